import { z } from 'zod';
import type { KubeClient, WatchEvent } from '../../kube/client.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import {
  AS_TABLE,
  includeObject,
  readTable,
  type TableRow,
  type TableScope,
  tableSchema,
} from './server-table.ts';

/** A watch that ends is begun anew where it ended. */
const WATCH_SECONDS = 300;

/**
 * Rows of a table as they change, for good; of objects that are deleted as they were last. Where too much has happened
 * to tell all of it, what there is then comes anew.
 *
 * @param from `resourceVersion` of the table that was read before
 * @throws KubeApiError when the watch may not be opened, or breaks
 */
export async function* changedRows<T extends KubeObject>(
  client: Pick<KubeClient, 'raw' | 'watch'>,
  resource: Resource<T>,
  scope: TableScope,
  from: string,
): AsyncGenerator<readonly TableRow[], void, void> {
  let resourceVersion = from;
  for (;;) {
    try {
      for await (const event of watchTables(client, resource, scope, resourceVersion)) {
        if (event.type !== 'BOOKMARK') yield tableSchema.parse(event.object).rows;
        resourceVersion = versionOf(event.object) ?? resourceVersion;
      }
    } catch (error) {
      if (!(error instanceof KubeApiError && error.isExpired)) throw error;
      const table = await readTable(client, resource, scope);
      yield table.rows;
      resourceVersion = table.metadata.resourceVersion ?? '';
    }
  }
}

async function* watchTables<T extends KubeObject>(
  client: Pick<KubeClient, 'watch'>,
  resource: Resource<T>,
  { whole, ...selectors }: TableScope,
  resourceVersion: string,
): AsyncGenerator<Exclude<WatchEvent<KubeObject>, { type: 'ERROR' }>, void, void> {
  const events = client.watch<KubeObject>(resource, {
    ...selectors,
    accept: AS_TABLE,
    includeObject: includeObject(whole),
    resourceVersion,
    timeoutSeconds: WATCH_SECONDS,
  });
  for await (const event of events) {
    if (event.type === 'ERROR') throw errorOf(event.object);
    yield event;
  }
}

function errorOf({
  code = 500,
  reason = 'Unknown',
  message = 'The API server ended the watch.',
}: Extract<WatchEvent<KubeObject>, { type: 'ERROR' }>['object']): KubeApiError {
  return new KubeApiError({ status: code, reason, message });
}

const versionedSchema = z.object({ metadata: z.object({ resourceVersion: z.string().min(1) }) });
const oneRowSchema = z.object({ rows: z.tuple([z.object({ object: versionedSchema })]) });

/** The table of an event has the version of its one object; that of a bookmark has an object without a name. */
function versionOf(table: unknown): string | undefined {
  const row = oneRowSchema.safeParse(table).data?.rows[0].object;
  return (row ?? versionedSchema.safeParse(table).data)?.metadata.resourceVersion;
}
