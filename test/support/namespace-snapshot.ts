import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import { classrooms } from '../../src/api/classroom.ts';
import { studentQuotas } from '../../src/api/student-quota.ts';
import { CHILD_RESOURCES } from '../../src/classroom/kinds.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { secrets } from '../../src/kube/resources.ts';
import { eventually } from './eventually.ts';

/** The kinds of which the operator makes objects. */
export const CHILD_KINDS: readonly Resource<KubeObject>[] = [...CHILD_RESOURCES, secrets];

/** What differs between two namespaces with the same content, or before and after an engine is replaced. */
const MASKS: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/\b[0-9a-f]{64}\b/g, '<sha256>'],
  [/("[^"]*\/intent-hash":")[0-9a-f]+"/g, '$1<hash>"'],
  [/\bkey [0-9a-f]{12}\b/g, 'key <id>'],
  [/("(?:OPENAI_API_KEY|REPORT_KEY)":")[^"]+"/g, '$1<key>"'],
  // Measured: an engine that starts anew takes as long as the machine lets it.
  [/("lastLoadSeconds":)\d+/g, '$1"<seconds>"'],
  [/("node":")[^"]+"/g, '$1<node>"'],
  [/("lastLoadSeconds":)\d+/g, '$1"<seconds>"'],
  [/(-engine)-[0-9a-z]{5,10}-[0-9a-z]{5}\b/g, '$1-<pod>'],
];

/** All objects of a namespace that the operator makes or writes to, by kind and name. */
export async function objectsIn(client: KubeClient, namespace: string): Promise<Map<string, KubeObject>> {
  const kinds = [...CHILD_KINDS, classrooms, studentQuotas];
  const lists = await Promise.all(
    kinds.map(async (resource) => {
      const { items } = await client.list<KubeObject>(resource, { namespace });
      return items.map((object): [string, KubeObject] => [
        `${resource.kind} ${object.metadata.name}`,
        object,
      ]);
    }),
  );
  return new Map(lists.flat());
}

/**
 * The objects of a namespace without what differs from one namespace to the next: names of pods and of the namespace,
 * times, keys and hashes. Of the statuses only those that the operator writes.
 */
export async function snapshotOf(client: KubeClient, namespace: string): Promise<Record<string, unknown>> {
  const objects = [...(await objectsIn(client, namespace))];
  return Object.fromEntries(objects.map(([name, object]) => [name, comparable(object, namespace)]));
}

/** Waits until a namespace is like this snapshot; fails with the differences. */
export async function expectToBecome(
  client: KubeClient,
  namespace: string,
  wanted: Record<string, unknown>,
): Promise<void> {
  let found: unknown;
  const isWanted = async () => {
    found = await snapshotOf(client, namespace);
    return isDeepStrictEqual(found, wanted);
  };
  // The comparison below tells more than the time-out.
  await eventually(`${namespace} to be as wanted`, isWanted).catch(() => {});
  expect(found).toEqual(wanted);
}

function comparable(object: KubeObject, namespace: string): unknown {
  const {
    resourceVersion: _version,
    managedFields: _managers,
    generation: _generation,
    ...metadata
  } = object.metadata;
  const isOurs = object.kind === classrooms.kind || object.kind === studentQuotas.kind;
  const copy = { ...object, metadata, ...(isOurs ? {} : { status: undefined }) };
  const text = JSON.stringify(copy).replaceAll(`"${namespace}"`, '"<namespace>"');
  return JSON.parse(MASKS.reduce((masked, [pattern, mask]) => masked.replace(pattern, mask), text));
}
