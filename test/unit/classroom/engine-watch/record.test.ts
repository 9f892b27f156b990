import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EngineReading } from '../../../../src/classroom/engine-watch/reading.ts';
import {
  afterLook,
  type EngineRecord,
  type Health,
  healthOf,
  type Look,
  SILENCE_MS,
  STALL_MS,
} from '../../../../src/classroom/engine-watch/record.ts';
import { reading } from '../../../support/engine-metrics.ts';

const STEP_MS = 10_000;
const EPOCH_MS = Date.parse('2026-09-01T09:00:00Z');

const saw = (difference: Partial<EngineReading> = {}): Look => ({
  kind: 'read',
  reading: reading(difference),
});
const untold: Look = { kind: 'untold', why: '/metrics does not tell what an engine does' };
const silent: Look = { kind: 'silent', why: 'no answer within 5 s' };

/** The record after looks ten seconds apart. */
function recordOf(looks: readonly Look[]): EngineRecord {
  let record: EngineRecord | undefined;
  for (const [index, look] of looks.entries()) {
    record = afterLook(record, look, { epochMs: EPOCH_MS + index * STEP_MS, monotonicMs: index * STEP_MS });
  }
  if (record === undefined) throw new Error('no look');
  return record;
}

/** How the engine was judged at each look. */
function judged(looks: readonly Look[]): Health[] {
  return looks.map((_, index) => healthOf(recordOf(looks.slice(0, index + 1)), index * STEP_MS));
}

const times = (count: number, look: Look): Look[] => Array.from({ length: count }, () => look);
const LOOKS_OF_STALL = STALL_MS / STEP_MS;

describe('an engine stands still', () => {
  const stuck = saw({ running: 2, generatedTokens: 100 });

  test('when it has had requests for a minute and nothing moved', () => {
    const health = judged(times(LOOKS_OF_STALL + 1, stuck));
    expect(health.slice(0, -1)).toEqual(times(LOOKS_OF_STALL, stuck).map(() => 'Well'));
    expect(health.at(-1)).toBe('Stalled');
  });

  test('also when all its requests wait', () => {
    expect(judged(times(LOOKS_OF_STALL + 1, saw({ waiting: 1 }))).at(-1)).toBe('Stalled');
  });

  test('not when they wait for something else, such as a grammar that is compiled', () => {
    expect(judged(times(2 * LOOKS_OF_STALL, saw({ waiting: 2, deferred: 2 }))).at(-1)).toBe('Well');
    expect(judged(times(LOOKS_OF_STALL + 1, saw({ waiting: 2, deferred: 1 }))).at(-1)).toBe('Stalled');
  });

  test('counted from when it got work, not from when it was last seen idle', () => {
    const looks = [saw({ generatedTokens: 100 }), ...times(LOOKS_OF_STALL, stuck)];
    expect(judged(looks).at(-1)).toBe('Well');
    expect(judged([...looks, stuck]).at(-1)).toBe('Stalled');
  });

  test.each<[string, Partial<EngineReading>]>([
    ['a token', { generatedTokens: 101 }],
    ['a prompt', { promptTokens: 5 }],
    ['a part of a long prompt', { kvUsage: 0.01 }],
  ])('not when it computed %s', (_, difference) => {
    const moved = saw({ running: 2, generatedTokens: 100, ...difference });
    const looks = [...times(LOOKS_OF_STALL, stuck), moved];
    expect(judged(looks).at(-1)).toBe('Well');
    expect(judged([...looks, ...times(LOOKS_OF_STALL - 1, moved)]).at(-1)).toBe('Well');
  });

  test('not while it has nothing to do', () => {
    expect(judged(times(10 * LOOKS_OF_STALL, saw())).at(-1)).toBe('Well');
  });

  test('not by what was not seen: a silence in between counts as getting on', () => {
    const looks = [...times(LOOKS_OF_STALL, stuck), silent, stuck];
    expect(judged(looks).at(-1)).toBe('Well');
  });
});

describe('an engine is silent', () => {
  test('when it has not answered for three quarters of a minute', () => {
    const looks = [saw(), ...times(Math.ceil(SILENCE_MS / STEP_MS) + 1, silent)];
    expect(judged(looks).at(-2)).toBe('Well');
    expect(judged(looks).at(-1)).toBe('Silent');
  });

  test('no more once it has answered', () => {
    expect(judged([saw(), ...times(20, silent), saw()]).at(-1)).toBe('Well');
    expect(judged([saw(), ...times(20, silent), untold]).at(-1)).toBe('Well');
  });

  test('not when its server answers and only its metrics do not', () => {
    expect(judged(times(100, untold))).toEqual(times(100, untold).map(() => 'Well'));
  });
});

describe('an engine is quiet', () => {
  test.each<[string, Look[], number | undefined]>([
    ['since the first look: before, nobody saw', [saw(), saw(), saw()], 0],
    [
      'since its last request ended',
      [saw(), saw({ running: 1 }), saw({ generatedTokens: 9 }), saw({ generatedTokens: 9 })],
      2,
    ],
    ['since a request that came and went between two looks', [saw(), saw({ generatedTokens: 9 })], 1],
    ['not while it computes', [saw(), saw({ running: 1 })], undefined],
    ['not while requests wait', [saw(), saw({ waiting: 1 })], undefined],
    ['not while it is silent', [saw(), silent], undefined],
    ['not while its metrics are', [saw(), untold], undefined],
  ])('%s', (_, looks, since) => {
    expect(recordOf(looks).quietSinceMs).toBe(since === undefined ? undefined : EPOCH_MS + since * STEP_MS);
  });
});

const anyLook = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ running: fc.nat(3), waiting: fc.nat(2), generatedTokens: fc.nat(3) }).map(saw),
  },
  { weight: 1, arbitrary: fc.constantFrom(silent, untold) },
);

/** Engines that say the same for a while, now and then for longer than a minute. */
const anyLooks = fc
  .array(fc.tuple(fc.integer({ min: 1, max: LOOKS_OF_STALL + 2 }), anyLook), { minLength: 1, maxLength: 8 })
  .map((spells) => spells.flatMap(([count, look]) => times(count, look)));

/** Tokens that it had computed at a look with work; undefined: it had none, or did not answer. */
function standOf(look: Look): number | undefined {
  if (look.kind !== 'read') return undefined;
  const { running, waiting, generatedTokens } = look.reading;
  return running + waiting > 0 ? generatedTokens : undefined;
}

describe('whatever an engine says', () => {
  test('it stands still only when for a minute it had work and computed no token', () => {
    let stalls = 0;
    fc.assert(
      fc.property(anyLooks, (looks) => {
        for (const [index, health] of judged(looks).entries()) {
          if (health !== 'Stalled') continue;
          stalls += 1;
          const minute = looks.slice(index + 1 - LOOKS_OF_STALL, index + 1).map(standOf);
          expect(new Set(minute).size).toBe(1);
          expect(minute).not.toContain(undefined);
        }
      }),
    );
    expect(stalls).toBeGreaterThan(0);
  });

  test('it is quiet since no later than the last look at which it was not', () => {
    fc.assert(
      fc.property(fc.array(anyLook, { minLength: 1, maxLength: 40 }), (looks) => {
        const { quietSinceMs } = recordOf(looks);
        const lastBusy = looks.findLastIndex(
          (look) => look.kind !== 'read' || look.reading.running + look.reading.waiting > 0,
        );
        if (lastBusy === looks.length - 1) expect(quietSinceMs).toBeUndefined();
        else expect(quietSinceMs).toBeGreaterThan(EPOCH_MS + lastBusy * STEP_MS);
      }),
    );
  });
});
