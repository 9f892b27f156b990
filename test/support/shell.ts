import { type ChildProcess, spawn } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Binaries } from '../../src/demo/binaries/versions.ts';
import { ROOT } from './documents.ts';
import { hasPython, pythonWithOpenAI } from './python-client.ts';

/** Less than the time-out of a test, so that a command that hangs is told of with what it wrote. */
const COMMAND_TIMEOUT_MS = 170_000;

/** One terminal of somebody who works in a folder. */
export interface Shell {
  /**
   * Runs a script of bash until a command in it fails. What it exports is there in the next one, as in one terminal.
   *
   * @param environment for this script only
   */
  run(script: string, environment?: Readonly<Record<string, string>>): Promise<Ended>;
}

/** How a process ended. */
export interface Ended {
  /** Null when it took too long. */
  readonly code: number | null;
  /** Standard output and error. */
  readonly output: string;
}

/**
 * A terminal in which kubectl and Helm of the throw-away control plane, the plugin of the checkout, Node, and Python
 * with the OpenAI client are installed. It knows no cluster.
 *
 * @param folder where it works, and its HOME
 */
export function openShell(folder: string, binaries: Binaries): Shell {
  const own = { PATH: pathWith(binaries), HOME: folder, LANG: 'C.UTF-8', NO_PROXY: '127.0.0.1,localhost' };
  return {
    async run(script, environment = {}) {
      const lines = [
        // As they come: of two pipes nobody knows what came first.
        'exec 2>&1',
        '[ ! -e .exported ] || . ./.exported',
        script,
        `unset ${Object.keys(environment).join(' ')}`,
        'export -p > .exported',
      ];
      // With a socket as standard input, bash takes itself for a remote shell and reads files of this machine.
      const args = ['-euo', 'pipefail', '-c', lines.join('\n')];
      const env = { ...own, ...environment };
      return ended(spawn('bash', args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    },
  };
}

/** Puts what guides name of a checkout into a folder, in which commands may write without touching that. */
export async function linkCheckout(folder: string): Promise<void> {
  const named = ['charts', 'manifests', 'examples', 'node_modules'];
  for (const entry of named) await symlink(join(ROOT, entry), join(folder, entry));
}

/** Waits until a process ends, and ends it when it takes too long. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const streams = [child.stdout, child.stderr].flatMap((stream) => (stream === null ? [] : [text(stream)]));
  const [code, ...texts] = await Promise.all([closed, ...streams]);
  clearTimeout(timer);
  return { code, output: texts.join('') };
}

function pathWith(binaries: Binaries): string {
  return [
    dirname(binaries.kubectl),
    dirname(binaries.helm),
    join(ROOT, 'bin'),
    dirname(process.execPath),
    ...(hasPython() ? [dirname(pythonWithOpenAI())] : []),
    process.env.PATH ?? '',
  ].join(delimiter);
}
