import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import xterm from '@xterm/headless';
import { type Frame, terminalPicture } from './terminal-picture.ts';

/**
 * `npm run generate:picture`: records one run of the demo in a terminal and writes it as `docs/images/demo.svg`. What is
 * seen is what the terminal showed, but for the hints on how to look around, which are longer than the picture is wide.
 * It needs python3, whose standard library has a pseudo-terminal.
 */
const ROOT = join(import.meta.dirname, '..');
const PICTURE = join(ROOT, 'docs/images/demo.svg');
const DEMO = ['src/demo/main.ts', '--exit', '--students', '12'];
const COMMAND_SHOWN = '$ npm run demo -- --exit --students 12';
const TITLE = 'A class of twelve students at work on three engines, as the demo shows it';
const SIZE = { cols: 240, rows: 80 };
/** As wide as the last line of the demo; what a class says while it loads is longer, and cut. */
const COLUMNS = 128;
const LOOK_MS = 1_000;
const SPAWN_IN_TERMINAL = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';

const terminal = new xterm.Terminal({ ...SIZE, allowProposedApi: true });

/** The lines of the terminal, those that were scrolled away included. */
function lines(): string[] {
  const { active } = terminal.buffer;
  return Array.from(
    { length: active.length },
    (_, row) => active.getLine(row)?.translateToString(true) ?? '',
  );
}

/** The command, the steps so far, and the table as it is now. */
function frame(): Frame {
  const all = lines();
  const table = all.findLastIndex((line) => line.startsWith('Class python-101:'));
  return [
    COMMAND_SHOWN,
    ...all.filter((line) => /^\[ *\d+\.\d s\] /.test(line)),
    ...(table < 0
      ? []
      : [
          '',
          ...all
            .slice(table)
            .filter((line) => line !== '')
            .map(cut),
        ]),
  ];
}

function cut(line: string): string {
  return line.length <= COLUMNS ? line : `${line.slice(0, COLUMNS - 1)}…`;
}

async function record(): Promise<Frame[]> {
  const sized = [
    'sh',
    '-c',
    `stty rows ${SIZE.rows} cols ${SIZE.cols}; exec "$@"`,
    'sh',
    process.execPath,
    ...DEMO,
  ];
  const demo = spawn('python3', ['-c', SPAWN_IN_TERMINAL, ...sized], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  demo.stdout.on('data', (bytes: Buffer) => terminal.write(bytes));
  const frames: Frame[] = [];
  const looks = setInterval(() => frames.push(frame()), LOOK_MS);
  const [code] = await once(demo, 'close');
  clearInterval(looks);
  if (code !== 0) throw new Error(`the demo ended with ${code}:\n${lines().join('\n')}`);
  await new Promise<void>((resolve) => terminal.write('', resolve));
  return [...frames, frame()];
}

/** A frame that shows nothing new is left out. */
function withoutRepeats(frames: readonly Frame[]): Frame[] {
  return frames.filter((one, index) => index === 0 || one.join('\n') !== frames[index - 1]?.join('\n'));
}

const frames = withoutRepeats(await record());
const picture = terminalPicture(frames, {
  title: TITLE,
  columns: COLUMNS,
  frameSeconds: 0.6,
  lastFrameSeconds: 6,
});
await mkdir(dirname(PICTURE), { recursive: true });
await writeFile(PICTURE, picture);
console.log(`${PICTURE}: ${frames.length} frames, ${Math.ceil(picture.length / 1024)} KiB`);
