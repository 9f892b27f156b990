import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { KubeClient } from '../../../src/kube/client.ts';
import { createInformer, type Informer, type InformerOptions } from '../../../src/kube/informer.ts';
import { createKubeClient } from '../../../src/kube/kube-client.ts';
import { noMetrics, type WatchEnd } from '../../../src/kube/metrics.ts';
import { type ConfigMap, configMaps } from '../../../src/kube/resources.ts';
import type { StoreChange } from '../../../src/kube/store.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import {
  type FaultServer,
  page,
  type Responder,
  refuse,
  reset,
  silence,
  startFaultServer,
  stream,
} from '../../support/fault-server.ts';
import { noCredentials } from '../../support/kube-client.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

let server: FaultServer;
let client: KubeClient;
let clock: FakeClock;
let informer: Informer<ConfigMap>;
let ends: WatchEnd[];
let handlerFailures: number;
let changes: string[];

beforeEach(async () => {
  server = await startFaultServer();
  client = createKubeClient({ credentials: noCredentials(server.url) });
  clock = createFakeClock();
  ends = [];
  handlerFailures = 0;
  changes = [];
  informer = informerWith({});
});

function informerWith(different: Pick<InformerOptions<ConfigMap>, 'backoff'>): Informer<ConfigMap> {
  const created = createInformer({
    ...different,
    client,
    resource: configMaps,
    clock,
    random: () => 0,
    metrics: {
      ...noMetrics,
      watchEnded: ({ end }) => ends.push(end),
      handlerFailed: () => {
        handlerFailures += 1;
      },
    },
  });
  created.store.subscribe(note);
  return created;
}

afterEach(async () => {
  await informer.stop();
  await client.close();
  await server.close();
});

function note(change: StoreChange<ConfigMap>): void {
  changes.push(`${change.type} ${change.object.metadata.name}@${change.object.metadata.resourceVersion}`);
}

function object(name: string, resourceVersion: string, uid = `uid-${name}`): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name, uid, resourceVersion } };
}

const added = (name: string, version: string) => ({ type: 'ADDED', object: object(name, version) });
const modified = (name: string, version: string) => ({ type: 'MODIFIED', object: object(name, version) });
const deleted = (name: string, version: string) => ({ type: 'DELETED', object: object(name, version) });
const bookmark = (version: string) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: version } },
});
const errorEvent = (code: number, reason: string) => ({
  type: 'ERROR',
  object: { kind: 'Status', code, reason },
});

function names(): string[] {
  return informer.store.list().map(({ metadata }) => metadata.name);
}

/** The version from which the watch of this number (from 1) was asked for. */
function watchedFrom(number: number): string | null | undefined {
  return server.watches[number - 1]?.query.get('resourceVersion');
}

async function watching(number: number): Promise<void> {
  await eventually(`watch ${number}`, () => server.watches.length >= number);
}

/** Starts with one object `a` at version 10, then the watches given, the last of which stays. */
async function startWith(...watches: Responder[]): Promise<void> {
  server.onList(page([object('a', '10')], '10'));
  server.onWatch(...watches);
  informer.start();
  await informer.synced();
  await watching(1);
}

/** Waits until the reflector sleeps before its next attempt, and returns for how long. */
async function backingOffMs(): Promise<number> {
  return eventually('back-off', () => {
    const { nextInMs } = clock;
    return nextInMs !== undefined && nextInMs <= 30_000 ? nextInMs : undefined;
  });
}

describe('a first look', () => {
  test('lists what is so now in pages, then watches from there with bookmarks, for 5 to 10 minutes', async () => {
    await startWith(stream([], 'stay open'));

    // With resourceVersion=0 the API server would ignore the limit.
    expect(Object.fromEntries(server.lists[0]?.query ?? [])).toEqual({ limit: '500' });
    expect(Object.fromEntries(server.watches[0]?.query ?? [])).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '10',
      timeoutSeconds: '300',
    });
    expect(names()).toEqual(['a']);
  });

  test('reads all pages', async () => {
    server.onList(page([object('a', '1')], '7', 'more'), page([object('b', '2')], '7'));
    informer.start();
    await informer.synced();
    await watching(1);

    expect(names()).toEqual(['a', 'b']);
    expect(server.lists.map((list) => list.query.get('continue'))).toEqual([null, 'more']);
    expect(server.lists[1]?.query.has('resourceVersion')).toBe(false);
    expect(watchedFrom(1)).toBe('7');
  });

  test('starts over without pages when its snapshot expires between two of them', async () => {
    server.onList(
      page([object('a', '1'), object('gone', '2')], '7', 'more'),
      refuse(410, 'Expired'),
      page([object('a', '1'), object('b', '8')], '9'),
    );
    informer.start();
    await informer.synced();
    await watching(1);

    expect(names()).toEqual(['a', 'b']);
    expect(server.lists[2]?.query.has('continue')).toBe(false);
    expect(server.lists[2]?.query.has('limit')).toBe(false);
    expect(watchedFrom(1)).toBe('9');
  });

  test('is fresh: the age counts from the last word of the API server, be it only that a watch is open', async () => {
    expect(informer.lastSyncAgeMs()).toBe(Number.POSITIVE_INFINITY);
    await startWith(stream([], 'end'), stream([], 'stay open'));
    await backingOffMs();
    await clock.advance(800);
    await watching(2);
    await eventually('the second watch is open', () => informer.lastSyncAgeMs() === 0);
    await clock.advance(45_000);

    expect(informer.lastSyncAgeMs()).toBe(45_000);
  });
});

describe('a watch', () => {
  test('follows what is added, changed and deleted', async () => {
    await startWith(stream([added('b', '11'), modified('a', '12'), deleted('b', '13')], 'stay open'));
    await eventually('deletion', () => changes.includes('deleted b@11'));

    expect(changes).toEqual(['added a@10', 'added b@11', 'updated a@12', 'deleted b@11']);
  });

  test('on a quiet resource is not opened anew until its time is over', async () => {
    await startWith(stream([], 'stay open'));
    await clock.advance(299_000);

    expect(server.watches).toHaveLength(1);
    expect(server.lists).toHaveLength(1);
  });

  test('reads an event that arrives byte by byte, with characters cut in two', async () => {
    const bytes = Buffer.from(`${JSON.stringify({ ...added('b', '11'), note: '学生' })}\n`);
    await startWith((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const send = (index: number): void => {
        if (index >= bytes.length) return;
        response.write(bytes.subarray(index, index + 1));
        setImmediate(() => send(index + 1));
      };
      send(0);
    });

    await eventually('b', () => names().includes('b'));
  });

  test('goes on at once after a healthy one has ended: nobody waits for a back-off in class', async () => {
    let end = () => {};
    await startWith(
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write(`${JSON.stringify(bookmark('20'))}\n`);
        end = () => response.end();
      },
      stream([added('b', '21')], 'stay open'),
    );
    // The bookmark has arrived when it has replaced the first, longer, silence time-out.
    await eventually('bookmark', () => clock.nextInMs === 150_000);
    await clock.advance(60_000);
    end();
    await eventually('b', () => names().includes('b'));

    expect(watchedFrom(2)).toBe('20');
  });
});

describe('what a watch survives', () => {
  const cases: [string, Responder, WatchEnd][] = [
    ['a server that closes at once', stream([], 'end'), 'closed'],
    ['an ERROR event 500', stream([errorEvent(500, 'InternalError')], 'end'), 'error_event'],
    ['a reset in the middle', stream([], 'reset'), 'failed'],
    ['a reset instead of an answer', reset, 'failed'],
    ['a refusal 503 without word when to come back', refuse(503, 'ServiceUnavailable'), 'failed'],
    ['an end in the middle of an event', stream(['{"type":"ADD'], 'end'), 'failed'],
    ['a line that is not JSON', stream(['<html>\n'], 'stay open'), 'failed'],
  ];

  test.each(cases)('%s: tries again from the same version after a back-off', async (_name, fault, end) => {
    await startWith(fault, stream([added('b', '11')], 'stay open'));

    expect(await backingOffMs()).toBe(800);
    await clock.advance(800);
    await eventually('b', () => names().includes('b'));
    expect(ends).toEqual([end]);
    expect(watchedFrom(2)).toBe('10');
    expect(server.lists).toHaveLength(1);
  });

  test('events before a reset: goes on after the last of them', async () => {
    await startWith(stream([added('b', '11'), bookmark('14')], 'reset'), stream([], 'stay open'));
    await backingOffMs();
    await clock.advance(800);
    await watching(2);

    expect(names()).toEqual(['a', 'b']);
    expect(watchedFrom(2)).toBe('14');
  });

  const expired: [string, Responder][] = [
    ['an ERROR event 410', stream([errorEvent(410, 'Expired')], 'end')],
    ['a refusal 410', refuse(410, 'Expired')],
    ['a refusal 403 (it cannot know what it missed)', refuse(403, 'Forbidden')],
  ];

  test.each(expired)('%s: lists anew and tells what the watch missed', async (_name, fault) => {
    await startWith(fault, stream([], 'stay open'));
    server.onList(page([object('b', '30')], '31'));
    await backingOffMs();
    await clock.advance(800);
    await watching(2);

    expect(changes).toEqual(['added a@10', 'deleted a@10', 'added b@30']);
    expect(watchedFrom(2)).toBe('31');
    expect(server.lists[1]?.query.has('resourceVersion')).toBe(false);
  });

  test('an object deleted and made anew during the gap: tells of both', async () => {
    await startWith(refuse(410, 'Expired'), stream([], 'stay open'));
    server.onList(page([object('a', '30', 'another-uid')], '31'));
    await backingOffMs();
    await clock.advance(800);
    await watching(2);

    expect(changes).toEqual(['added a@10', 'deleted a@10', 'added a@30']);
  });

  test('an event too large to hold: lists instead of reading it again and again', async () => {
    const flood: Responder = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      const pour = (): void => {
        if (!response.destroyed) response.write(chunk, pour);
      };
      pour();
    };
    await startWith(flood, stream([], 'stay open'));
    await backingOffMs();
    await clock.advance(800);
    await watching(2);

    expect(ends).toEqual(['line_too_long']);
    expect(server.lists).toHaveLength(2);
  });

  test('half a connection: silence beyond the time the watch may last ends it', async () => {
    await startWith(stream([], 'stay open'), stream([added('b', '11')], 'stay open'));
    await clock.advance(316_000);
    await eventually('b', () => names().includes('b'));

    expect(ends).toEqual(['silent']);
  });

  test('half a connection after bookmarks: noticed within three of them', async () => {
    await startWith(stream([bookmark('12')], 'stay open'), stream([added('b', '13')], 'stay open'));
    await eventually('bookmark', () => clock.nextInMs === 150_000);
    await clock.advance(151_000);
    await eventually('b', () => names().includes('b'));

    expect(watchedFrom(2)).toBe('12');
  });

  test('a subscriber that throws: it is counted, and the others are told', async () => {
    informer.store.subscribe(() => {
      throw new Error('broken subscriber');
    });
    const after: string[] = [];
    informer.store.subscribe((change) => after.push(change.object.metadata.name));
    await startWith(stream([added('b', '11')], 'stay open'));
    await eventually('b', () => after.includes('b'));

    expect(handlerFailures).toBe(2);
    expect(after).toEqual(['a', 'b']);
  });

  test.each<[string, InformerOptions<ConfigMap>['backoff'], number[]]>([
    ['up to 30 s', undefined, [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]],
    ['up to what it was told', { firstMs: 100, maxMs: 1_000 }, [100, 200, 400, 800, 1_000, 1_000, 1_000]],
  ])(
    'watches that fail over and over: waits longer and longer, %s, and lists in the end',
    async (_, backoff, expected) => {
      if (backoff !== undefined) informer = informerWith({ backoff });
      await startWith(stream([], 'end'));
      const waits: number[] = [];
      for (const _attempt of expected) {
        const ms = await backingOffMs();
        waits.push(ms);
        const before = server.watches.length;
        await clock.advance(ms);
        await watching(before + 1);
      }

      expect(waits).toEqual(expected);
      expect(server.lists.length).toBeGreaterThan(1);
    },
  );

  test('lists that fail, and a server that is not there for ten minutes', async () => {
    server.onList(refuse(500, 'InternalError'));
    informer.start();
    await clock.advance(await backingOffMs());
    await eventually('second list', () => server.lists.length >= 2);
    await server.goAway();
    for (let waitedMs = 0; waitedMs < 600_000; ) {
      const ms = await backingOffMs();
      await clock.advance(ms);
      waitedMs += ms;
    }
    server.onList(page([object('a', '10')], '10'));
    await server.comeBack();
    await clock.advance(await backingOffMs());
    await informer.synced();

    expect(names()).toEqual(['a']);
  });
});

test('three hundred lost watches leave neither connections nor listeners nor timers behind', async () => {
  const stop = new AbortController();
  server.onWatch(stream([bookmark('11')], 'reset'));
  informer.start(stop.signal);
  await informer.synced();
  const listenersAtFirst = getEventListeners(stop.signal, 'abort').length;
  for (let lost = 1; lost <= 300; lost++) {
    await clock.advance(await backingOffMs());
    await eventually(`loss ${lost}`, () => ends.length >= lost);
  }

  expect(server.open).toBeLessThanOrEqual(2);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(listenersAtFirst);
  expect(clock.pending).toBeLessThanOrEqual(1);
});

describe('stop', () => {
  test('during a list: no watch is opened and nothing is told afterwards', async () => {
    let answer = () => {};
    server.onList((response, seen) => {
      answer = () => page([object('a', '10')], '10')(response, seen);
    });
    informer.start();
    await eventually('list', () => server.lists.length === 1);
    const synced = informer.synced();
    const stopped = informer.stop();
    answer();
    await stopped;

    await expect(synced).rejects.toThrow(/stopped before its first list/);
    expect(server.watches).toHaveLength(0);
    expect(changes).toEqual([]);
  });

  test('during a watch: its connection is closed', async () => {
    await startWith(stream([], 'stay open'));
    await informer.stop();

    await eventually('the connection of the watch is closed', () => server.open <= 1);
    expect(clock.pending).toBe(0);
  });

  test('during a back-off: ends at once', async () => {
    await startWith(stream([], 'end'));
    await backingOffMs();
    await informer.stop();

    expect(clock.pending).toBe(0);
  });

  test('while the server never answers', async () => {
    server.onList(silence);
    informer.start();
    await eventually('list', () => server.lists.length === 1);

    await expect(informer.stop()).resolves.toBeUndefined();
  });
});
