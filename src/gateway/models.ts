import type { ClassroomRecord } from './identity/seat.ts';

interface ModelObject {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
  root: string;
  parent: null;
  max_model_len: number;
}

/** `GET /v1/models`: the names of the student's own class, answered without asking an engine. */
export function modelList(classroom: ClassroomRecord): { object: 'list'; data: ModelObject[] } {
  return { object: 'list', data: classroom.modelNames.map((name) => modelObject(classroom, name)) };
}

/** `GET /v1/models/<name>`, or undefined when the class has no such name. */
export function modelNamed(classroom: ClassroomRecord, name: string): ModelObject | undefined {
  return classroom.modelNames.includes(name) ? modelObject(classroom, name) : undefined;
}

function modelObject(classroom: ClassroomRecord, name: string): ModelObject {
  return {
    id: name,
    object: 'model',
    created: classroom.createdSeconds,
    owned_by: 'gpu-classroom',
    root: classroom.servedName,
    parent: null,
    max_model_len: classroom.maxModelLen,
  };
}

/**
 * The name under which the engines know what a student calls `name`, or undefined when the class has no such model.
 * Answers carry this name, as those of OpenAI carry the model that an alias stands for: rewriting it in every frame of
 * a stream would cost more than it tells.
 */
export function engineModelOf(classroom: ClassroomRecord, name: string): string | undefined {
  return classroom.modelNames.includes(name) ? classroom.servedName : undefined;
}
