import { describe, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import { Scheduler, type Sequence } from '../../../../src/demo/vllm/engine/scheduler.ts';
import { createEngineRegistry, type EngineRegistry } from '../../../../src/gateway/engines/registry.ts';
import type { Seat } from '../../../../src/gateway/identity/seat.ts';
import type {
  DispatchQueue,
  Ticket,
  TicketHandlers,
  Turn,
} from '../../../../src/gateway/queue/dispatch-queue.ts';
import { createFairQueue } from '../../../../src/gateway/queue/fair-queue.ts';
import { jainIndex } from '../../../../src/gateway/queue/fairness-index.ts';
import { noPeers } from '../../../../src/gateway/queue/peers.ts';
import { serviceOf } from '../../../../src/gateway/queue/vtc.ts';
import type { Clock } from '../../../../src/kube/clock.ts';
import { aClassroom, alice, aSeat, CLASS_KEY } from '../builders.ts';
import { QUEUE_BOUNDS } from '../gateway-world.ts';

/** Requests the engine computes together. */
const BATCH = 8;
const SIMULATED_MS = 300_000;
const SCRAPE_MS = 1_000;

/** How one student asks. */
interface Habit {
  readonly name: string;
  /** Requests that are always open. */
  readonly open: number;
  /** Between an answer and the next request, ms; drawn from 0 to twice as much. */
  readonly thinkMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

interface Outcome {
  /** Of each answered request, ms from asking to the first token. */
  readonly firstTokenMs: number[];
  service: number;
}

interface Simulated {
  readonly students: ReadonlyMap<string, Outcome>;
  readonly tokens: number;
  /** Requests that waited in the engine, at each look at its metrics. */
  readonly waitingInEngine: readonly number[];
}

type MakeQueue = (engines: EngineRegistry, clock: Clock) => DispatchQueue;

const fair: MakeQueue = (engines, clock) => {
  const bounds = { ...QUEUE_BOUNDS, requestsPerStudent: 1_000, busyWaitMs: SIMULATED_MS };
  return createFairQueue({ engines, peers: noPeers, clock, bounds, onWaited: () => {} });
};

/** What the queue is compared with. */
const firstComeFirstServed: MakeQueue = (engines, clock) => {
  const waiting: { ticket: Ticket; handlers: TicketHandlers; enteredMs: number }[] = [];
  engines.plan(CLASS_KEY, BATCH);
  const dispatch = (): void => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const { ticket, handlers, enteredMs } = first;
      const demand = { student: ticket.seat.studentId, kvTokens: ticket.kvTokens, share: 1 };
      const engine = engines.take(CLASS_KEY, demand);
      if (engine === undefined) return;
      waiting.shift();
      handlers.onTurn({
        engine,
        waitedMs: clock.monotonic() - enteredMs,
        generated() {},
        another: () => undefined,
        done() {
          engine.release('answered');
          dispatch();
        },
      });
    }
  };
  return {
    enter(ticket, handlers) {
      waiting.push({ ticket, handlers, enteredMs: clock.monotonic() });
      dispatch();
      return { cancel() {} };
    },
    get waiting() {
      return waiting.length;
    },
  };
};

/** The class asks for {@link SIMULATED_MS} of an engine's time; the same in every run. */
function simulate(makeQueue: MakeQueue, habits: readonly Habit[], planned = BATCH): Simulated {
  const time = { ms: 0 };
  const engines = createEngineRegistry({
    connect: () => new Agent(),
    monotonic: () => time.ms,
    random: () => 0,
  });
  engines.put({ id: 'one', classroomKey: CLASS_KEY, origin: 'http://one:8000' });
  const queue = makeQueue(engines, clockOf(time));
  const engine = new Scheduler(
    { maxNumSeqs: BATCH, maxNumBatchedTokens: 2_048, blockSize: 16, kvBlocks: 10_000, policy: 'fcfs' },
    undefined,
  );
  const students = new Map<string, Outcome>();
  const running = new Map<Sequence, { turn: Turn; habit: Habit; askedMs: number }>();
  const agenda: { atMs: number; habit: Habit }[] = [];
  const random = drawnFrom(42);
  const waitingInEngine: number[] = [];
  let tokens = 0;

  const ask = (habit: Habit): void => {
    const askedMs = time.ms;
    const { promptTokens, outputTokens } = habit;
    const kvTokens = promptTokens + outputTokens;
    queue.enter(
      { seat: seatOf(habit.name, planned), promptTokens, kvTokens, bodyBytes: 4 * promptTokens },
      {
        onTurn(turn) {
          const promptIds = Array.from({ length: promptTokens }, () => 0);
          const spec = { promptTokens: promptIds, outputTokens, maxTokens: outputTokens } as const;
          const sequence = engine.submit(
            { ...spec, endsBy: 'length', priority: 0, cacheScope: habit.name },
            time.ms,
          );
          running.set(sequence, { turn, habit, askedMs });
        },
        onRefused: ({ message }) => {
          throw new Error(message);
        },
      },
    );
  };
  for (const habit of habits) {
    students.set(habit.name, { firstTokenMs: [], service: 0 });
    for (let i = 0; i < habit.open; i++) agenda.push({ atMs: random() * habit.thinkMs, habit });
  }

  while (time.ms < SIMULATED_MS) {
    for (const entry of agenda.filter(({ atMs }) => atMs <= time.ms)) {
      agenda.splice(agenda.indexOf(entry), 1);
      ask(entry.habit);
    }
    const step = engine.schedule(time.ms);
    if (time.ms >= waitingInEngine.length * SCRAPE_MS) {
      const [running, waiting] = [engine.running.length, engine.waiting.length];
      engines.reportLoad('one', { running, waiting, kvUsage: engine.kvUsage, kvTokens: undefined });
      waitingInEngine.push(waiting);
    }
    // The time of a step of a small model on one GPU: a fixed part, and one for each token.
    time.ms += 10 + 0.05 * (step?.totalTokens ?? 0);
    if (step === undefined) continue;
    for (const sequence of engine.complete(step, time.ms).advanced) {
      const request = running.get(sequence);
      if (request === undefined) continue;
      const { turn, habit, askedMs } = request;
      const outcome = students.get(habit.name);
      turn.generated(1);
      tokens += 1;
      if (sequence.generatedTokens === 1) {
        tokens += habit.promptTokens;
        outcome?.firstTokenMs.push(time.ms - askedMs);
        if (outcome !== undefined) outcome.service += serviceOf(habit.promptTokens, 0);
      }
      if (outcome !== undefined) outcome.service += serviceOf(0, 1);
      if (sequence.state !== 'finished') continue;
      running.delete(sequence);
      agenda.push({ atMs: time.ms + 2 * random() * habit.thinkMs, habit });
      turn.done({
        promptTokens: habit.promptTokens,
        completionTokens: sequence.generatedTokens,
        cachedTokens: undefined,
      });
    }
  }
  return { students, tokens, waitingInEngine };
}

function seatOf(student: string, maxNumSeqs: number): Seat {
  return alice(aClassroom({ engine: { maxNumSeqs } }), aSeat({ studentId: student }));
}

function clockOf(time: { readonly ms: number }): Clock {
  return {
    now: () => time.ms,
    monotonic: () => time.ms,
    // The waits of this simulation have no end.
    setTimeout: () => ({ cancel() {} }),
    sleep: () => new Promise(() => {}),
  };
}

/** Numbers in [0, 1) that are the same in every run (Park and Miller's generator). */
function drawnFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

describe('one student who floods and nine who ask now and then', () => {
  const flood: Habit = { name: 'mallory', open: 100, thinkMs: 0, promptTokens: 200, outputTokens: 150 };
  const light = Array.from({ length: 9 }, (_, i): Habit => {
    return { name: `light-${i}`, open: 1, thinkMs: 10_000, promptTokens: 100, outputTokens: 60 };
  });
  const habits = [flood, ...light];
  const [ours, theirs] = [simulate(fair, habits), simulate(firstComeFirstServed, habits)];
  const waitOfLight = ({ students }: Simulated): number =>
    median(light.flatMap(({ name }) => students.get(name)?.firstTokenMs ?? []));

  test('the nine wait a twentieth of what they wait when first come is first served, or less', () => {
    expect(waitOfLight(ours)).toBeLessThanOrEqual(waitOfLight(theirs) / 20);
  });

  test('the engine computes as many tokens', () => {
    expect(ours.tokens).toBeGreaterThanOrEqual(0.99 * theirs.tokens);
  });

  test('nobody was refused, and everybody was answered', () => {
    for (const { firstTokenMs } of ours.students.values()) expect(firstTokenMs.length).toBeGreaterThan(10);
  });
});

describe('ten students who always wait, with requests of unlike number and length', () => {
  const habits = Array.from({ length: 10 }, (_, i): Habit => {
    const promptTokens = 50 + 60 * i;
    return { name: `student-${i}`, open: 2 + 3 * i, thinkMs: 0, promptTokens, outputTokens: 20 + 20 * i };
  });
  const fairnessOf = ({ students }: Simulated): number =>
    jainIndex([...students.values()].map(({ service }) => service));

  test('get the same, which they would not if first come were first served', () => {
    expect(fairnessOf(simulate(fair, habits))).toBeGreaterThanOrEqual(0.95);
    expect(fairnessOf(simulate(firstComeFirstServed, habits))).toBeLessThan(0.7);
  });
});

describe('an engine that computes fewer together than was planned', () => {
  const habits = Array.from({ length: 5 }, (_, i): Habit => {
    return { name: `student-${i}`, open: 30, thinkMs: 0, promptTokens: 100, outputTokens: 100 };
  });
  const planned = simulate(fair, habits);
  const learned = simulate(fair, habits, 8 * BATCH);

  test('is given what it can compute within half a minute: the queue is here, and not in the engine', () => {
    const waiting = learned.waitingInEngine.slice(30);
    expect(Math.max(...waiting)).toBeLessThanOrEqual(BATCH / 2);
    expect(median(waiting)).toBeLessThanOrEqual(1);
  });

  test('has always enough to do', () => {
    expect(learned.tokens).toBeGreaterThanOrEqual(0.99 * planned.tokens);
  });
});
