import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tellWhy } from '../../../src/command-line/parse.ts';
import { withSection } from '../../report/document.ts';
import { describeMachine } from '../../report/machine.ts';
import { terminalTable } from '../../report/table.ts';
import { type LoadFigures, measureLoad } from './load.ts';
import { type FairnessOptions, parseFairnessOptions } from './options.ts';
import { backloggedTable, floodedTable, markdownReport, type Outcome } from './report.ts';
import { type Order, startSchool } from './school.ts';

const DOCUMENT = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url));
const LIGHT_STUDENTS = 9;
/** Requests that four students keep open who always wait. */
const BACKLOGGED = [4, 8, 16, 32];

async function main(): Promise<number> {
  const parsed = parseFairnessOptions(process.argv.slice(2));
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  const folder = await mkdtemp(join(tmpdir(), 'bench-fairness-'));
  try {
    const both = async (order: Order): Promise<Outcome[Order]> => ({
      flooded: await measure(order, floodOf(parsed.options), parsed.options, folder),
      backlogged: await measure(order, BACKLOGGED, parsed.options, folder),
    });
    const [arrival, fair, replicas] = [await both('arrival'), await both('fair'), await both('replicas')];
    await publish({ arrival, fair, replicas }, parsed.options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 0;
}

const floodOf = ({ flood }: FairnessOptions): number[] => [
  flood,
  ...Array.from({ length: LIGHT_STUDENTS }, () => 0),
];

async function measure(
  order: Order,
  open: readonly number[],
  { seconds, speed, seed }: FairnessOptions,
  folder: string,
): Promise<LoadFigures> {
  process.stderr.write(`${order}: ${open.length} students\n`);
  const school = await startSchool(order, { students: open.length, speed, folder });
  try {
    return await measureLoad(school, { open, seconds, seed });
  } finally {
    await school.stop();
  }
}

async function publish(outcome: Outcome, options: FairnessOptions): Promise<void> {
  const tables = [floodedTable(outcome), backloggedTable(outcome, BACKLOGGED)];
  for (const table of tables) console.log(terminalTable(table));
  const machine = describeMachine();
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify({ machine, options, outcome }, undefined, 2)}\n`);
  }
  if (!options.write) return;
  const document = await readFile(DOCUMENT, 'utf8');
  await writeFile(DOCUMENT, withSection(document, 'fairness', markdownReport(tables, options, machine)));
}

process.exit(await main());
