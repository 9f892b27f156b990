import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { silentLogger } from '../../../src/kube/log.ts';
import { createOptionalInformer, type OptionalInformer } from '../../../src/kube/optional-informer.ts';
import { type ConfigMap, configMaps } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { type LiveObjects, liveObjects } from '../../support/live-objects.ts';

const object: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'b' } };

let objects: LiveObjects;
let clock: FakeClock;
let informer: OptionalInformer<ConfigMap>;
let states: string[];
const { signal } = new AbortController();

beforeEach(() => {
  objects = liveObjects(object);
  clock = createFakeClock();
  states = [];
  const options = { client: objects, resource: configMaps, clock, random: () => 0, log: silentLogger };
  informer = createOptionalInformer<ConfigMap>(options);
  informer.onState(() => states.push(informer.state));
});
afterEach(() => informer.stop());

test('what may be listed is followed', async () => {
  informer.start(signal);
  await informer.settled();
  expect(states).toEqual(['following']);
  expect(informer.store.list().map(({ metadata }) => metadata.name)).toEqual(['a']);
});

test.each([
  ['forbidden', 403],
  ['unknown to the API server', 404],
])('what is %s is asked for again soon: the right to it may be on its way', async (_, status) => {
  objects.refuse('configmaps', status);
  informer.start(signal);
  await informer.settled();
  expect(states).toEqual(['refused']);
  await eventually('it to wait', () => clock.nextInMs === 1000);
  objects.allow('configmaps');
  await clock.advance(1000);
  await eventually('it to follow', () => informer.state === 'following');
  expect(states).toEqual(['refused', 'following']);
});

test('what stays forbidden is asked for less and less, and at least every five minutes', async () => {
  objects.refuse('configmaps', 403);
  informer.start(signal);
  const waits: number[] = [];
  for (let asked = 1; asked <= 11; asked++) {
    await eventually('it to wait', () => objects.lists.length === asked && clock.pending > 0);
    waits.push((clock.nextInMs ?? 0) / 1000);
    await clock.advance(clock.nextInMs ?? 0);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  expect(states).toEqual(['refused']);
});

test('an API server that fails is asked again soon, and nothing is concluded', async () => {
  objects.refuse('configmaps', 503);
  informer.start(signal);
  await eventually('it to wait', () => clock.nextInMs === 800);
  expect(states).toEqual([]);
  objects.allow('configmaps');
  await clock.advance(800);
  await informer.settled();
  expect(states).toEqual(['following']);
});

test('it ends while it waits', async () => {
  objects.refuse('configmaps', 403);
  informer.start(signal);
  await eventually('it to wait', () => clock.nextInMs === 1000);
  await informer.stop();
  expect(clock.pending).toBe(0);
});

test('whoever waits for it learns that it was stopped', async () => {
  objects.refuse('configmaps', 503);
  informer.start(signal);
  const settled = expect(informer.settled()).rejects.toThrow();
  await informer.stop();
  await settled;
});
