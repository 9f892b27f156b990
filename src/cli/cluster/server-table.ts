import { z } from 'zod';
import type { KubeClient, ListOptions } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { pathOf, queryOf } from '../../kube/paths.ts';
import { type Row, textTable } from '../text-table.ts';

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export const AS_TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const PAGE_SIZE = 500;

const cellSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/** Its metadata, or with {@link TableScope.whole} all of it. */
const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    resourceVersion: z.string().optional(),
  }),
});
export const tableSchema = z.object({
  kind: z.literal('Table'),
  metadata: z.object({ continue: z.string().optional(), resourceVersion: z.string().optional() }),
  // In a watch only the first table has them.
  columnDefinitions: z
    .array(z.object({ name: z.string(), priority: z.int() }))
    .nullish()
    .transform((columns) => columns ?? []),
  rows: z
    .array(z.object({ cells: z.array(cellSchema), object: objectSchema }))
    .nullish()
    .transform((rows) => rows ?? []),
});

/** Objects as the API server prints them: the columns of a CRD are written there, and nowhere else. */
export type ServerTable = z.infer<typeof tableSchema>;

export type TableRow = ServerTable['rows'][number];

/** Without a namespace: of all namespaces. */
export interface TableScope extends Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'> {
  /** Rows come with the objects that they show. */
  readonly whole?: boolean;
}

/** What rows come with. */
export const includeObject = (whole: boolean | undefined) => (whole ? 'Object' : undefined);

/** Objects of a kind as a table. */
export async function readTable<T extends KubeObject>(
  client: Pick<KubeClient, 'raw'>,
  resource: Resource<T>,
  { namespace, labelSelector, fieldSelector, whole }: TableScope,
): Promise<ServerTable> {
  const read = async (from: string | undefined): Promise<ServerTable> => {
    const selectors = { labelSelector, fieldSelector, includeObject: includeObject(whole) };
    const query = queryOf({ ...selectors, limit: PAGE_SIZE, continue: from });
    const path = pathOf(resource, { namespace }) + query;
    return tableSchema.parse(await client.raw('GET', path, { accept: AS_TABLE }));
  };
  let page = await read(undefined);
  const rows = [...page.rows];
  while (page.metadata.continue) {
    page = await read(page.metadata.continue);
    rows.push(...page.rows);
  }
  return { ...page, rows };
}

/**
 * @param shown `wide`: with the columns of lower priority. `withNamespace`: NAMESPACE comes first
 */
export function serverTableText(
  { columnDefinitions, rows }: ServerTable,
  { wide, withNamespace }: { wide: boolean; withNamespace: boolean },
): string {
  const places = columnDefinitions.flatMap(({ priority }, place) => (wide || priority === 0 ? [place] : []));
  const namespaceOf = (text: string): string[] => (withNamespace ? [text] : []);
  const columns = places.map((place) => (columnDefinitions[place]?.name ?? '').toUpperCase());
  const lines = rows.map(({ cells, object }): Row => {
    const texts = places.map((place) => cellText(cells[place]));
    return [...namespaceOf(object.metadata.namespace ?? '<none>'), ...texts];
  });
  return textTable([...namespaceOf('NAMESPACE'), ...columns], lines);
}

/** Like kubectl only the first line of a text; a column is never empty, so that programs can count them. */
function cellText(cell: z.infer<typeof cellSchema> | undefined): string {
  const text = String(cell ?? '').split('\n', 1)[0] ?? '';
  return text === '' ? '<none>' : text;
}
