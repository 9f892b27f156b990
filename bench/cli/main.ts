import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tellWhy } from '../../src/command-line/parse.ts';
import { withSection } from '../report/document.ts';
import { describeMachine } from '../report/machine.ts';
import { terminalTable } from '../report/table.ts';
import { parseBenchOptions } from './options.ts';
import { markdownReport, startsTable } from './report.ts';
import { type Start, timesOf } from './starts.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const DOCUMENT = join(root, 'docs/benchmarks.md');

/** @param plugin the one file that is released */
function startsOf(plugin: string): Start[] {
  return [
    { name: '`node -e 0`', argv: ['-e', '0'] },
    { name: '`--help`', argv: [plugin, '--help'] },
    { name: '`--version`', argv: [plugin, '--version'] },
    { name: '`get --help`', argv: [plugin, 'get', '--help'] },
    { name: '`plan --model … --gpu A10`', argv: [plugin, 'plan', '--model', 'qwen2.5-7b', '--gpu', 'A10'] },
    { name: '`--help`, from the sources', argv: ['--no-warnings', join(root, 'src/cli/main.ts'), '--help'] },
  ];
}

async function main(): Promise<number> {
  const parsed = parseBenchOptions(process.argv.slice(2));
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  const { options } = parsed;
  const folder = await mkdtemp(join(tmpdir(), 'bench-cli-'));
  try {
    const build = ['--no-warnings', join(root, 'scripts/build-plugin.ts'), '--outdir', folder];
    await promisify(execFile)(process.execPath, build);
    const times = await timesOf(startsOf(join(folder, 'kubectl-classroom.mjs')), options.rounds);
    const machine = describeMachine();
    console.log(terminalTable(startsTable(times)));
    if (options.json !== undefined) {
      await writeFile(options.json, `${JSON.stringify({ machine, options, times }, undefined, 2)}\n`);
    }
    if (options.write) {
      const document = await readFile(DOCUMENT, 'utf8');
      await writeFile(DOCUMENT, withSection(document, 'cli', markdownReport(times, options, machine)));
    }
    return 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

process.exit(await main());
