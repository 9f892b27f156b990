import type { AdapterRecord, ClassroomRecord } from './identity/seat.ts';

interface ModelObject {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
  root: string;
  /** The base model of an adapter. */
  parent: string | null;
  max_model_len: number;
}

/** `GET /v1/models`: the names of the student's own class, answered without asking an engine. */
export function modelList(classroom: ClassroomRecord): { object: 'list'; data: ModelObject[] } {
  const adapters = allowedAdapters(classroom).map(({ model }) => model);
  const names = [...classroom.modelNames, ...adapters];
  return { object: 'list', data: names.map((name) => modelObject(classroom, name)) };
}

/** `GET /v1/models/<name>`, or undefined when the class has no such name. */
export function modelNamed(classroom: ClassroomRecord, name: string): ModelObject | undefined {
  const found = engineModelOf(classroom, name);
  return found === undefined || !isAllowed(classroom, found) ? undefined : modelObject(classroom, name);
}

function modelObject(classroom: ClassroomRecord, name: string): ModelObject {
  const { adapter } = engineModelOf(classroom, name) ?? {};
  return {
    id: name,
    object: 'model',
    created: classroom.createdSeconds,
    owned_by: 'gpu-classroom',
    root: adapter?.model ?? classroom.servedName,
    parent: adapter === undefined ? null : classroom.servedName,
    max_model_len: classroom.maxModelLen,
  };
}

/** A model as the engines know it. */
export interface EngineModel {
  readonly name: string;
  /** Undefined for the base model. */
  readonly adapter: AdapterRecord | undefined;
}

/**
 * What the engines know of what a student calls `name`, or undefined when the class has no such model. A name of the base
 * model is never an adapter's. Answers carry the engine's name, as those of OpenAI carry the model that an alias stands
 * for: rewriting it in every frame of a stream would cost more than it tells.
 */
export function engineModelOf(classroom: ClassroomRecord, name: string): EngineModel | undefined {
  if (classroom.modelNames.includes(name)) return { name: classroom.servedName, adapter: undefined };
  const adapter = classroom.adapters.find(({ modelNames }) => modelNames.includes(name));
  return adapter === undefined ? undefined : { name: adapter.model, adapter };
}

/** Whether students may use the model now. */
export function isAllowed(classroom: ClassroomRecord, { adapter }: EngineModel): boolean {
  return adapter === undefined || allowsAdapters(classroom);
}

/** Adapters that students may use now. */
export function allowedAdapters(classroom: ClassroomRecord): readonly AdapterRecord[] {
  return allowsAdapters(classroom) ? classroom.adapters : [];
}

/** An exam is written without adapters, unless it says otherwise. */
function allowsAdapters({ access, exam }: ClassroomRecord): boolean {
  return access !== 'Exam' || exam?.allowAdapters === true;
}
