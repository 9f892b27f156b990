import type { KubeObject } from '../kube/object.ts';
import { problems } from './problems.ts';
import { type Row, textTable } from './text-table.ts';

/** A column that a person names: what of each object it shows. */
export interface CustomColumn {
  readonly title: string;
  /** As typed: `.metadata.name`, `metadata.name` or `{.metadata.name}`. */
  readonly path: string;
}

export const CUSTOM_COLUMNS = 'custom-columns=';

/**
 * The columns of kubectl's `-o custom-columns=TITLE:path,…`; undefined where a column lacks its title or path.
 *
 * @param spec what follows the sign
 * @see https://kubernetes.io/docs/reference/kubectl/#custom-columns
 */
export function parseCustomColumns(spec: string): readonly CustomColumn[] | undefined {
  const columns = spec.split(',').map((column): CustomColumn => {
    const [title = '', ...path] = column.split(':');
    return { title, path: path.join(':') };
  });
  return columns.every(({ title, path }) => title !== '' && path !== '') ? columns : undefined;
}

/**
 * Rows of objects: a cell has all that is found at its path, `<none>` where there is nothing.
 *
 * @throws CliError when a path cannot be read
 */
export async function customRows(
  columns: readonly CustomColumn[],
  objects: readonly KubeObject[],
): Promise<Row[]> {
  const { JSONPath } = await import('jsonpath-plus');
  const find = (path: string, json: object): unknown => {
    try {
      // Filters are read by the library itself: nothing that is typed here runs as JavaScript.
      return JSONPath({ path: rootedPath(path), json, eval: 'safe', wrap: true });
    } catch (error) {
      throw problems.pathUnusable({ path, why: error instanceof Error ? error.message : String(error) });
    }
  };
  return objects.map((object) => columns.map(({ path }) => cellText(find(path, object))));
}

/** A table with the titles of the columns. */
export function customTable(columns: readonly CustomColumn[], rows: readonly Row[]): string {
  return textTable(
    columns.map(({ title }) => title),
    rows,
  );
}

/** kubectl's braces and first dot may be left out, and it writes a dot within a name as `\.`. */
function rootedPath(path: string): string {
  const inner = path.replace(/^\{(.*)\}$/, '$1').replace(/^\$/, '');
  const dotted = inner.startsWith('.') || inner.startsWith('[') ? inner : `.${inner}`;
  return `$${dotted.replace(/\.((?:[^.[\]\\]|\\.)*\\\.(?:[^.[\]\\]|\\.)*)/g, (_, name: string) => `['${name.replaceAll('\\.', '.')}']`)}`;
}

function cellText(found: unknown): string {
  const values = Array.isArray(found) ? found : [];
  const texts = values.map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)));
  return texts.join(',') || '<none>';
}
