import { findCondition } from '../api/condition.ts';
import { CLASSROOM_CONDITIONS } from '../api/reasons.ts';
import type { Lesson } from './class/lesson.ts';
import type { StudentProgress } from './class/students.ts';
import { type EngineFigures, readEngineFigures } from './engine-figures.ts';
import { type EngineView, renderClass } from './live-table.ts';
import type { NodeAgent } from './node-agent/agent.ts';

const ENGINE_ANSWER_TIMEOUT_MS = 1_000;

export interface ClassViewOptions {
  name: string;
  lesson: Lesson;
  nodeAgent: NodeAgent;
  students: readonly StudentProgress[];
  elapsedMs: number;
}

/** The class as it is now: the Classroom's status, the engines' own figures, what the students did. */
export async function viewClass(options: ClassViewOptions): Promise<string> {
  const { name, lesson, nodeAgent, students, elapsedMs } = options;
  const status = lesson.classroom()?.status;
  const endpoints = new Map(nodeAgent.pods().map((pod) => [pod.name, pod.endpoint]));
  const engines = await Promise.all(
    (status?.engines ?? []).map(
      async (engine): Promise<EngineView> => ({
        ...engine,
        ...(await figuresAt(endpoints.get(engine.name))),
      }),
    ),
  );
  const ready = findCondition(status?.conditions, CLASSROOM_CONDITIONS.ready);
  return renderClass({ name, readyMessage: ready?.message ?? '', engines, students, elapsedMs });
}

/** An engine that loads or is gone has no figures: the table shows that. */
async function figuresAt(endpoint: string | undefined): Promise<EngineFigures | undefined> {
  if (endpoint === undefined) return undefined;
  try {
    const answer = await fetch(`http://${endpoint}/metrics`, {
      signal: AbortSignal.timeout(ENGINE_ANSWER_TIMEOUT_MS),
    });
    return readEngineFigures(await answer.text());
  } catch {
    return undefined;
  }
}
