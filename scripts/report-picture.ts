import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

/**
 * `npm run generate:report-picture`: lets the class of the demo work for some minutes, asks for its report as a trainer
 * does, and writes the charts of that page as `docs/images/report.svg`.
 */
const ROOT = join(import.meta.dirname, '..');
const PICTURE = join(ROOT, 'docs/images/report.svg');
const STUDENTS = 12;
const AT_WORK_MS = 6 * 60_000;
const REPORT = ['report', 'python-101', '-n', 'python-101', '--by', 'course', '--format', 'html'];
const GAP = 16;
const TITLE = 'Charts of the report of a class of the demo';

const run = promisify(execFile);

/** The charts of the report of a class that has worked. */
async function charts(): Promise<string[]> {
  const demo = spawn(process.execPath, ['src/demo/main.ts', '--students', String(STUDENTS)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const kubeconfig = await kubeconfigOf(demo);
    await setTimeout(AT_WORK_MS);
    const argv = [join(ROOT, 'src/cli/main.ts'), ...REPORT, '--kubeconfig', kubeconfig];
    const { stdout } = await run(process.execPath, argv);
    return [...stdout.matchAll(/<svg[\s\S]*?<\/svg>/g)].map(([svg]) => svg);
  } finally {
    const ended = once(demo, 'exit');
    demo.kill('SIGINT');
    await ended;
  }
}

/** The demo says how to look around when every student has a key. */
async function kubeconfigOf({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the demo has no output');
  for await (const line of createInterface({ input: stdout })) {
    const [, path] = /export KUBECONFIG=(\S+)/.exec(line) ?? [];
    if (path !== undefined) {
      stdout.resume();
      return path;
    }
  }
  throw new Error('the demo ended before its class was ready');
}

/** Pictures below each other, on white. */
function stacked(svgs: readonly string[]): string {
  let height = GAP;
  let width = 0;
  const placed = svgs.map((svg) => {
    const size = (name: string): number => Number(new RegExp(`^<svg[^>]* ${name}="(\\d+)"`).exec(svg)?.[1]);
    const moved = svg.replace('<svg ', `<svg x="${GAP}" y="${height}" `);
    height += size('height') + GAP;
    width = Math.max(width, size('width') + 2 * GAP);
    return moved;
  });
  const frame = `xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg ${frame}>\n<title>${TITLE}</title>\n<rect width="100%" height="100%" fill="#fff"/>\n${placed.join('\n')}\n</svg>\n`;
}

const picture = stacked(await charts());
await mkdir(dirname(PICTURE), { recursive: true });
await writeFile(PICTURE, picture);
console.log(`${PICTURE}: ${Math.ceil(picture.length / 1024)} KiB`);
