import { readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { tellWhy } from '../../src/command-line/parse.ts';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { withSection } from '../report/document.ts';
import { describeMachine } from '../report/machine.ts';
import { terminalTable } from '../report/table.ts';
import { parseBenchOptions } from './options.ts';
import { markdownReport, settingText, wakeUpTable } from './report.ts';
import { measureRounds } from './rounds.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

async function main(): Promise<number> {
  const parsed = parseBenchOptions(process.argv.slice(2));
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  const { options } = parsed;
  // What is started is ended when this process exits, however it does.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));
  const binaries = await ensureBinaries(ensureOptionsOf(process));
  const [loadAverage = Number.NaN] = loadavg();
  const startedMs = performance.now();
  const rounds = await measureRounds(binaries, options, (step) => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0).padStart(4);
    process.stderr.write(`[${seconds} s] ${step}\n`);
  });
  const machine = describeMachine();
  const setting = settingText(options, machine, loadAverage);
  console.log(`${setting}\n${terminalTable(wakeUpTable(rounds))}`);
  if (options.json !== undefined) {
    const figures = { machine, loadAverage, options, rounds };
    await writeFile(options.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  }
  if (options.write) {
    const document = await readFile(DOCUMENT, 'utf8');
    await writeFile(DOCUMENT, withSection(document, 'wake-up', markdownReport(rounds, setting)));
  }
  return 0;
}

process.exit(await main());
