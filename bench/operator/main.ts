import { readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { tellWhy } from '../../src/command-line/parse.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { KUBERNETES_VERSION } from '../../src/demo/binaries/versions.ts';
import { withSection } from './document.ts';
import { parseBenchOptions } from './options.ts';
import {
  comparisonTable,
  type Machine,
  markdownReport,
  type ReportTable,
  restartTable,
  writesTable,
} from './report.ts';
import { measureRounds } from './rounds.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

async function main(): Promise<number> {
  const parsed = parseBenchOptions(process.argv.slice(2));
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  const { options } = parsed;
  // What is started is ended when this process exits, however it does.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));
  const binaries = await ensureBinaries(ensureOptionsOf(process));
  const startedMs = performance.now();
  const rounds = await measureRounds(binaries, options, (step) => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0).padStart(4);
    process.stderr.write(`[${seconds} s] ${step}\n`);
  });
  const machine = describeMachine();
  for (const table of [comparisonTable, writesTable, restartTable]) console.log(render(table(rounds)));
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify({ machine, options, rounds }, undefined, 2)}\n`);
  }
  if (options.write) {
    const document = await readFile(DOCUMENT, 'utf8');
    await writeFile(DOCUMENT, withSection(document, markdownReport(rounds, options, machine)));
  }
  return 0;
}

function describeMachine(): Machine {
  return {
    cpus: cpus().map(({ model }) => ({ model })),
    memoryBytes: totalmem(),
    platform: `${type()} ${arch()}`,
    nodeVersion: process.versions.node,
    kubernetesVersion: KUBERNETES_VERSION,
    at: new Date(),
  };
}

function render({ head, rows }: ReportTable): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}

process.exit(await main());
