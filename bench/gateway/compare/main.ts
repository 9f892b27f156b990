import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tellWhy } from '../../../src/command-line/parse.ts';
import { withSection } from '../../report/document.ts';
import { describeMachine } from '../../report/machine.ts';
import { terminalTable } from '../../report/table.ts';
import { startFrameEngine } from '../frame-engine.ts';
import { type Contender, LOAD_CORE, type Setting, type StartContender } from './contender.ts';
import { startBareNode } from './contenders/bare-node.ts';
import { startDirect } from './contenders/direct.ts';
import { startGpuClassroom } from './contenders/gpu-classroom.ts';
import { startLiteLlm } from './contenders/litellm.ts';
import { startNginx } from './contenders/nginx.ts';
import { startPortkey } from './contenders/portkey.ts';
import { type Figures, measure } from './measure.ts';
import { type CompareOptions, type ContenderName, parseCompareOptions } from './options.ts';
import { figuresTable, markdownReport, type Rounds, ratiosTable } from './report.ts';
import { startAnswerUpstream } from './upstream.ts';

const DOCUMENT = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url));
const FRAMES_PER_STREAM = 64;

const STARTERS: Record<ContenderName, StartContender> = {
  direct: startDirect,
  nginx: startNginx,
  'bare-node': startBareNode,
  'gpu-classroom': startGpuClassroom,
  portkey: startPortkey,
  litellm: startLiteLlm,
};

async function main(): Promise<number> {
  const parsed = parseCompareOptions(process.argv.slice(2));
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  requirePrograms(['taskset', 'nginx', 'wrk', 'python3', 'npm']);
  execFileSync('taskset', ['-cp', String(LOAD_CORE), String(process.pid)]);
  const folder = await mkdtemp(join(tmpdir(), 'bench-gateway-'));
  const cacheFolder = join(homedir(), '.cache', 'gpu-classroom', 'bench');
  await mkdir(cacheFolder, { recursive: true });
  try {
    const rounds = await measureAll(parsed.options, folder, cacheFolder);
    await publish(rounds, parsed.options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 0;
}

/** @throws Error that says what to install */
function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => {
    try {
      execFileSync('which', [name]);
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length === 0) return;
  throw new Error(
    `${missing.join(', ')} must be installed first. On Debian: apt-get install nginx wrk util-linux`,
  );
}

async function measureAll(options: CompareOptions, folder: string, cacheFolder: string): Promise<Rounds> {
  const upstream = await startAnswerUpstream(folder);
  const engine = await startFrameEngine({ frames: FRAMES_PER_STREAM, stepMs: 20 });
  const upstreams = { answerPort: upstream.port, streamPort: Number(new URL(engine.url).port) };
  const rounds = new Map<string, Figures[]>();
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const name of options.only) {
        process.stderr.write(`round ${round} of ${options.rounds}: ${name}\n`);
        const setting = { upstreams, folder: await mkdtemp(join(folder, `${name}-`)), cacheFolder };
        const [title, figures] = await measureOne(STARTERS[name], setting, options, engine);
        rounds.set(title, [...(rounds.get(title) ?? []), figures]);
      }
    }
  } finally {
    engine.close();
    await upstream.stop();
  }
  return rounds;
}

async function measureOne(
  start: StartContender,
  setting: Setting,
  { seconds }: CompareOptions,
  engine: Awaited<ReturnType<typeof startFrameEngine>>,
): Promise<[string, Figures]> {
  const direct: Contender = await startDirect(setting);
  const contender = await start(setting);
  try {
    const { folder } = setting;
    const options = { folder, seconds, engine, framesPerStream: FRAMES_PER_STREAM };
    return [contender.name, await measure(contender, direct, options)];
  } finally {
    await contender.stop();
  }
}

async function publish(rounds: Rounds, options: CompareOptions): Promise<void> {
  for (const table of [figuresTable, ratiosTable]) console.log(terminalTable(table(rounds)));
  const machine = describeMachine();
  if (options.json !== undefined) {
    const figures = Object.fromEntries(rounds);
    await writeFile(options.json, `${JSON.stringify({ machine, options, figures }, undefined, 2)}\n`);
  }
  if (!options.write) return;
  const document = await readFile(DOCUMENT, 'utf8');
  await writeFile(DOCUMENT, withSection(document, 'gateway', markdownReport(rounds, options, machine)));
}

process.exit(await main());
