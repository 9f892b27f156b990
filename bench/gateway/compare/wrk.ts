import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LOAD_CORE, type Target } from './contender.ts';
import { answerRequest } from './request.ts';

const run = promisify(execFile);

/** What wrk saw. */
export interface ClosedLoop {
  readonly requestsPerSecond: number;
  /** Answers that were not 2xx, and connections that broke. */
  readonly failed: number;
}

/**
 * As many requests as there are answers: each of the connections asks again at once.
 *
 * @see https://github.com/wg/wrk
 */
export async function measureClosedLoop(
  target: Target,
  folder: string,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<ClosedLoop> {
  const script = join(folder, 'load.lua');
  await writeFile(script, luaOf(target));
  const { stdout } = await run('taskset', [
    ...['-c', String(LOAD_CORE), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s'],
    ...['-s', script, `http://${target.host}:${target.port}${target.path}`],
  ]);
  const requestsPerSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const others = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  return { requestsPerSecond, failed: errors.reduce((sum, count) => sum + Number(count), others) };
}

/** Requests are written once; each call only takes the next one. */
function luaOf(target: Target): string {
  const requests = target.headers.map((_, turn) => `  ${luaText(answerRequest(target, turn))},\n`);
  return `local requests = {\n${requests.join('')}}\nlocal turn = 0\nfunction request()\n  turn = turn % #requests + 1\n  return requests[turn]\nend\n`;
}

function luaText(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `"${escaped.replaceAll('\r', '\\r').replaceAll('\n', '\\n')}"`;
}
