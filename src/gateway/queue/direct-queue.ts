import type { EngineRegistry } from '../engines/registry.ts';
import { refuse } from '../errors.ts';
import type { DispatchQueue } from './dispatch-queue.ts';

const NO_ENGINE_RETRY_SECONDS = 10;

/** No queue at all: every request goes to the engine with the fewest requests at once. */
export function createDirectQueue(engines: EngineRegistry): DispatchQueue {
  return {
    enter({ seat: { classroom } }, { onTurn, onRefused }) {
      const first = engines.pick(classroom.key);
      if (first === undefined) {
        const details = { classroom: classroom.name, contact: classroom.contact };
        onRefused(refuse('no_engine_ready', details, { retryAfterSeconds: NO_ENGINE_RETRY_SECONDS }));
        return { cancel() {} };
      }
      let engine = first;
      onTurn({
        get engine() {
          return engine;
        },
        waitedMs: 0,
        generated() {},
        another() {
          const other = engines.pick(classroom.key, new Set([engine.id]));
          if (other === undefined) return undefined;
          engine.release();
          engine = other;
          return other;
        },
        done: () => engine.release(),
      });
      return { cancel() {} };
    },
    waiting: 0,
  };
}
