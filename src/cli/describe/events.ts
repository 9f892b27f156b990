import type { KubeObject } from '../../kube/object.ts';
import { type Event, events } from '../../kube/resources.ts';
import type { Cluster } from '../cluster/command.ts';
import { listAll } from '../cluster/list.ts';
import { ageText } from '../status/time-words.ts';
import { textTable } from '../text-table.ts';

/** What happened to an object, the newest last. */
export async function eventsOf({ client }: Pick<Cluster, 'client'>, object: KubeObject): Promise<Event[]> {
  const { name, namespace = '', uid } = object.metadata;
  const fieldSelector = `regarding.kind=${object.kind},regarding.name=${name}`;
  const found = await listAll(client, events, { namespace, fieldSelector });
  return found
    .filter(({ regarding }) => uid === undefined || regarding?.uid === uid)
    .sort((a, b) => lastSeenMs(a) - lastSeenMs(b));
}

/**
 * Empty where nothing happened, or it is forgotten: clusters keep events for an hour.
 *
 * @param nowMs epoch ms
 */
export function eventTable(found: readonly Event[], nowMs: number): string {
  if (found.length === 0) return '';
  const rows = found.map((event) => [
    ageText(nowMs - lastSeenMs(event)),
    event.type ?? '<none>',
    event.reason ?? '<none>',
    event.note ?? '',
  ]);
  return textTable(['AGO', 'TYPE', 'REASON', 'WHAT'], rows);
}

function lastSeenMs({ series, eventTime, deprecatedLastTimestamp, metadata }: Event): number {
  const moment =
    series?.lastObservedTime ?? eventTime ?? deprecatedLastTimestamp ?? metadata.creationTimestamp ?? '';
  const ms = Date.parse(moment);
  return Number.isNaN(ms) ? 0 : ms;
}
