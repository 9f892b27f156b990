import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus, EngineStatus } from '../../../../src/api/classroom.ts';
import { mergeConditions } from '../../../../src/api/condition.ts';
import type { ClassAdapters, EngineAdapters } from '../../../../src/classroom/adapters/board.ts';
import { type AdapterReport, adapterReport } from '../../../../src/classroom/adapters/status.ts';
import { wantedAdapters } from '../../../../src/classroom/adapters/wanted.ts';
import { instanceOf } from '../../../../src/classroom/engine-container.ts';
import { classroom } from '../../../support/builders.ts';
import { readyPod } from '../../../support/classroom.ts';

const ADAPTERS = [
  { name: 'sql', path: 'adapters/sql' },
  { name: 'haiku', path: 'adapters/haiku' },
];

interface Case {
  adapters?: { name: string; path: string }[];
  /** Engines that answer. */
  ready?: string[];
  /** What was seen of each of them, in their order; undefined: not asked yet. */
  seen?: (Partial<EngineAdapters> | undefined)[] | undefined;
  quarantined?: ClassAdapters['quarantined'];
  previous?: ClassroomStatus | undefined;
}

function report({ adapters = ADAPTERS, ready = ['a', 'b'], seen, quarantined = [], previous }: Case = {}) {
  const spec = classroom({
    spec: { model: { servedName: 'qwen', storage: { claimName: 'models' } }, adapters },
  }).spec;
  const pods = ready.map(readyPod);
  const engines: EngineStatus[] = ready.map((name) => ({ name, state: 'Ready' }));
  const looks = seen?.flatMap((one, index): EngineAdapters[] => {
    const pod = pods[index];
    if (one === undefined || pod === undefined) return [];
    return [{ instance: instanceOf(pod), loaded: [], troubles: [], ...one }];
  });
  return adapterReport({
    wanted: wantedAdapters(spec),
    engines,
    pods,
    seen: looks === undefined ? undefined : { engines: looks, quarantined },
    previous,
  });
}

/** The status after this report. */
function statusAfter({ engines, adapters, condition }: AdapterReport): ClassroomStatus {
  const conditions = mergeConditions([], condition === undefined ? [] : [condition], 1, 0);
  return { conditions, engines, ...(adapters === undefined ? {} : { adapters }) };
}

const BOTH = { loaded: ['haiku', 'sql'] };
const failing = (why: string): Partial<EngineAdapters> => ({
  loaded: ['haiku'],
  troubles: [{ name: 'sql', state: 'Failed', why }],
});

const states = ({ adapters }: AdapterReport) => adapters?.map(({ name, state }) => `${name} ${state}`);

describe('the condition AdaptersLoaded', () => {
  test('is true when every engine that answers has all of them, and says what students write', () => {
    expect(report({ seen: [BOTH, BOTH] }).condition).toEqual({
      type: 'AdaptersLoaded',
      status: 'True',
      reason: 'AllAdaptersLoaded',
      message:
        "All 2 engines that answer have the adapters loaded; students write 'qwen:sql', 'qwen:haiku' as the model.",
    });
  });

  test('is false when one cannot be loaded, and says why, what to do, and that the class goes on', () => {
    const why = "the folder 'adapters/sql' is not there. Put the adapter there.";
    expect(report({ seen: [failing(why), failing(why)] }).condition).toEqual({
      type: 'AdaptersLoaded',
      status: 'False',
      reason: 'AdapterFailed',
      message: `Adapter 'sql' is not loaded: ${why} The model itself is served all the same.`,
    });
  });

  test('says how many engines have it where only some do not', () => {
    const { condition, adapters } = report({ seen: [BOTH, failing('no memory')] });
    expect(condition?.message).toContain(
      "Adapter 'sql' is not loaded by all engines (1 of 2 have it): no memory.",
    );
    expect(adapters?.[0]).toMatchObject({ name: 'sql', state: 'Failed', loadedEngines: 1 });
  });

  test.each([
    ['Loading', 'AdaptersLoading'],
    ['Waiting', 'AdaptersWaiting'],
    ['Failed', 'AdapterFailed'],
  ] as const)('of an adapter that is %s has the reason %s', (state, reason) => {
    const seen = [{ troubles: [{ name: 'sql', state, why: 'because' }] }];
    expect(report({ ready: ['a'], seen }).condition).toMatchObject({ status: 'False', reason });
  });

  test('tells of a quarantine before anything else', () => {
    const quarantined = [{ name: 'sql', path: 'adapters/sql', why: 'an engine died of it.' }];
    const { condition, adapters } = report({ seen: [failing('x'), BOTH], quarantined });
    expect(condition).toMatchObject({ reason: 'AdapterQuarantined' });
    expect(adapters?.[0]).toMatchObject({ state: 'Quarantined', message: 'an engine died of it.' });
  });

  test('waits for an engine, and promises nothing of the model then', () => {
    const { condition } = report({ ready: [], seen: [] });
    expect(condition).toMatchObject({ status: 'False', reason: 'AdaptersWaiting' });
    expect(condition?.message).not.toContain('served all the same');
  });

  test('is not true while an engine that has just become ready has not been asked', () => {
    const { adapters, condition } = report({
      seen: [BOTH, undefined],
      previous: statusAfter(report({ seen: [BOTH, BOTH] })),
    });
    expect(condition?.reason).toBe('AdaptersLoading');
    expect(adapters?.map(({ state, loadedEngines }) => [state, loadedEngines])).toEqual([
      ['Loading', 1],
      ['Loading', 1],
    ]);
  });

  test('is absent from a class without adapters', () => {
    const { condition, adapters } = report({ adapters: [], seen: [{}, {}] });
    expect([condition, adapters]).toEqual([undefined, undefined]);
  });
});

describe('each engine', () => {
  test('is listed with what it has loaded', () => {
    const { engines } = report({ seen: [BOTH, { loaded: ['haiku'] }] });
    expect(engines.map(({ adapters }) => adapters)).toEqual([['haiku', 'sql'], ['haiku']]);
  });

  test('keeps an adapter in the list until it has unloaded it: its files are still needed', () => {
    const { engines } = report({ adapters: [], seen: [{ loaded: ['sql'] }, {}] });
    expect(engines.map(({ adapters }) => adapters)).toEqual([['sql'], undefined]);
  });
});

describe('what was said before stands while nobody has looked', () => {
  const before = statusAfter(report({ seen: [failing('rank 64'), failing('rank 64')] }));

  test('since the operator started', () => {
    expect(statusAfter(report({ seen: undefined, previous: before }))).toEqual(before);
  });

  test('of a quarantine also where no engine answers', () => {
    const quarantined = [{ name: 'sql', path: 'adapters/sql', why: 'an engine died of it' }];
    const previous = statusAfter(report({ seen: [{}, {}], quarantined }));
    expect(states(report({ ready: [], seen: undefined, previous }))).toContain('sql Quarantined');
  });

  test('but not about other adapters', () => {
    const adapters = [{ name: 'sql', path: 'adapters/sql-2' }];
    expect(states(report({ adapters, seen: undefined, previous: before }))).toEqual(['sql Loading']);
  });

  test('and where nothing was said, they are about to be loaded', () => {
    expect(states(report({ seen: undefined }))).toEqual(['sql Loading', 'haiku Loading']);
  });
});
