import { keyOf } from '../../kube/object.ts';
import { changedRows } from '../cluster/changed-rows.ts';
import type { Cluster } from '../cluster/command.ts';
import { readTable, type ServerTable, serverTableText, type TableRow } from '../cluster/server-table.ts';
import { customRows, customTable } from '../custom-columns.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { nameOf, shownObject } from '../objects-output.ts';
import { render } from '../output.ts';
import { withProgress } from '../progress.ts';
import { isNamed, type Look, named, namesOfRow, nothingText } from './look.ts';

/** `get --watch`: what there is, and then each object whenever it changes, until Ctrl-C. */
export async function watchObjects(look: Look, { client, machine }: Cluster): Promise<ExitCode> {
  const { resource, asked, output, ...query } = look;
  const { namespace, subject } = asked;
  const whole = output !== 'table' && output !== 'wide' && output !== 'name';
  const scope = { ...query, whole, ...(namespace === undefined ? {} : { namespace }) };
  const table = await withProgress(`Reading ${subject}`, machine, () => readTable(client, resource, scope));
  const namesOf = namesOfRow(table);
  const first = named(asked, table.rows, namesOf);
  if (first.length === 0) machine.stderr.write(nothingText(look));
  const print = printerOf(look, table);
  machine.stdout.write(await print(first));
  try {
    for await (const rows of changedRows(client, resource, scope, table.metadata.resourceVersion ?? '')) {
      machine.stdout.write(await print(rows.filter((row) => isNamed(asked, namesOf(row)))));
      // Whoever reads us, such as `head`, has seen enough.
      if (machine.stdout.destroyed) break;
    }
  } catch (error) {
    // It ends no other way, so that there is nothing to tell of.
    if (!machine.signal.aborted) throw error;
    return EXIT_CODES.interrupted;
  }
  return EXIT_CODES.done;
}

/** Text of further rows; empty of none. */
type Print = (rows: readonly TableRow[]) => Promise<string>;

function printerOf({ resource, asked, output }: Look, table: ServerTable): Print {
  if (output === 'table' || output === 'wide') {
    const shown = { wide: output === 'wide', withNamespace: asked.namespace === undefined };
    return aligned((rows) => Promise.resolve(serverTableText({ ...table, rows: [...rows] }, shown)));
  }
  if (output === 'name') {
    return async (rows) => rows.map(({ object }) => `${nameOf(resource, object.metadata.name)}\n`).join('');
  }
  if (typeof output === 'string') {
    const separator = output === 'yaml' ? '---\n' : '';
    return async (rows) =>
      rows.map(({ object }) => `${separator}${render(shownObject(object), output, () => '')}`).join('');
  }
  const { columns } = output;
  return aligned(async (rows) =>
    customTable(
      columns,
      await customRows(
        columns,
        rows.map(({ object }) => object),
      ),
    ),
  );
}

/** Titles once, and columns that stay as wide as what has been shown needs. */
function aligned(tableText: (rows: readonly TableRow[]) => Promise<string>): Print {
  const known = new Map<string, TableRow>();
  let titled = false;
  return async (rows) => {
    if (rows.length === 0) return '';
    for (const row of rows) {
      const key = keyOf(row.object.metadata);
      known.delete(key);
      known.set(key, row);
    }
    const lines = (await tableText([...known.values()])).trimEnd().split('\n');
    const [title = ''] = lines;
    const shown = [...(titled ? [] : [title]), ...lines.slice(-rows.length)];
    titled = true;
    return shown.map((line) => `${line}\n`).join('');
  };
}
