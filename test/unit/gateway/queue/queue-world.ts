import { Agent } from 'undici';
import type { OnAsked } from '../../../../src/gateway/demand/asked-class.ts';
import type { EngineFault } from '../../../../src/gateway/engines/circuit.ts';
import { createEngineRegistry, type EngineRegistry } from '../../../../src/gateway/engines/registry.ts';
import type { Refusal } from '../../../../src/gateway/errors.ts';
import { classMomentOf } from '../../../../src/gateway/identity/class-moment.ts';
import type { ClassroomRecord, Seat } from '../../../../src/gateway/identity/seat.ts';
import type { QueueBounds, WaitEnd } from '../../../../src/gateway/queue/class-queue.ts';
import type { Ticket, Turn } from '../../../../src/gateway/queue/dispatch-queue.ts';
import { createFairQueue, type FairQueue } from '../../../../src/gateway/queue/fair-queue.ts';
import { noPeers, type Peers } from '../../../../src/gateway/queue/peers.ts';
import type { TokenUsage } from '../../../../src/gateway/token-usage.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { aClassroom, alice, aSeat, CLASS_KEY } from '../builders.ts';
import { QUEUE_BOUNDS } from '../gateway-world.ts';

/** One request in the queue, and what became of it. */
export interface Asked {
  readonly turn: Turn | undefined;
  readonly refusal: Refusal | undefined;
  cancel(): void;
  /** Ends it at the engine. Default: it was charged what was expected, and nothing for output. */
  done(usage?: Partial<TokenUsage>, fault?: EngineFault): void;
}

export interface QueueWorld {
  readonly queue: FairQueue;
  readonly engines: EngineRegistry;
  readonly clock: FakeClock;
  /** How waits ended, in order. */
  readonly ends: readonly WaitEnd[];
  /** Students in the order in which they got their turns. */
  readonly turns: readonly string[];
  ask(student: string, differs?: Partial<Ticket>): Asked;
  /** Ends the request that has been running longest, as {@link Asked.done} does. */
  finishOldest(usage?: Partial<TokenUsage>): void;
}

export interface QueueWorldOptions {
  readonly bounds?: Partial<QueueBounds>;
  /** Requests that each engine computes together. */
  readonly maxNumSeqs?: number;
  readonly engines?: readonly string[];
  readonly peers?: Peers;
  readonly weights?: Readonly<Record<string, number>>;
  /** What is said of the class at a time (epoch ms); a test that changes it calls `queue.classroomChanged`. */
  readonly classroomAt?: (nowMs: number) => Partial<ClassroomRecord>;
  readonly onAsked?: OnAsked;
}

/** A queue before engines that do nothing by themselves. */
export function queueWorld(options: QueueWorldOptions = {}): QueueWorld {
  const clock = createFakeClock();
  const engines = createEngineRegistry({
    connect: () => new Agent(),
    monotonic: clock.monotonic,
    random: () => 0,
  });
  const ends: WaitEnd[] = [];
  const turns: string[] = [];
  const running = new Set<Asked>();
  const queue = createFairQueue({
    engines,
    peers: options.peers ?? noPeers,
    clock,
    bounds: { ...QUEUE_BOUNDS, ...options.bounds },
    onWaited: (end) => ends.push(end),
    onAsked: options.onAsked,
    momentOf: () => {
      const nowMs = clock.now();
      return options.classroomAt && classMomentOf(aClassroom(options.classroomAt(nowMs)), nowMs);
    },
  });
  const maxNumSeqs = options.maxNumSeqs ?? 1;
  const seatOf = (student: string): Seat =>
    alice(
      aClassroom({ engine: { maxNumSeqs } }),
      aSeat({ studentId: student, weight: options.weights?.[student] ?? 1 }),
    );
  for (const id of options.engines ?? ['one']) putEngine(engines, id);
  return {
    queue,
    engines,
    clock,
    ends,
    turns,
    ask(student, differs = {}) {
      let turn: Turn | undefined;
      let refusal: Refusal | undefined;
      const ticket = { seat: seatOf(student), promptTokens: 100, kvTokens: 200, bodyBytes: 400, ...differs };
      const asked: Asked = {
        get turn() {
          return turn;
        },
        get refusal() {
          return refusal;
        },
        cancel: () => waiting.cancel(),
        done(usage = {}, fault) {
          const { promptTokens } = ticket;
          running.delete(asked);
          turn?.done({ promptTokens, completionTokens: 0, cachedTokens: undefined, ...usage }, fault);
        },
      };
      const waiting = queue.enter(ticket, {
        onTurn(given) {
          turn = given;
          turns.push(student);
          running.add(asked);
        },
        onRefused(given) {
          refusal = given;
        },
      });
      return asked;
    },
    finishOldest(usage) {
      for (const oldest of running) {
        oldest.done(usage);
        return;
      }
      throw new Error('nothing runs');
    },
  };
}

export function putEngine(engines: EngineRegistry, id: string): void {
  engines.put({ id, classroomKey: CLASS_KEY, origin: `http://${id}:8000` });
}
