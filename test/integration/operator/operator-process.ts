import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import { eventually } from '../../support/eventually.ts';

const MAIN = join(import.meta.dirname, '../../../src/operator/main.ts');

const startedSchema = z.object({ msg: z.literal('Started'), port: z.int() });

export interface OperatorRun {
  kubeconfig: string;
  /** Default: all. */
  namespace?: string;
  flags?: readonly string[];
}

/** An operator as a process of its own, as in production. */
export interface RunningOperator {
  /** Everything written to standard output and error so far. */
  output(): string;
  /** The answer of `/healthz`, `/readyz` or `/metrics`. */
  get(path: string): Promise<{ status: number; body: string }>;
  /** Resolves when `/readyz` says 200. */
  ready(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code; null after a signal that was not handled. */
  exited(): Promise<number | null>;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
}

export function startOperator({ kubeconfig, namespace, flags = [] }: OperatorRun): RunningOperator {
  const standard = [
    `--kubeconfig=${kubeconfig}`,
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    '--operator-namespace=gpu-classroom',
    '--gateway-base-url=http://gateway.test/v1',
    '--health-address=127.0.0.1:0',
  ];
  const child = spawn(process.execPath, ['--no-warnings', MAIN, ...standard, ...flags], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collect(child);
  const exit = once(child, 'exit');
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const port = (): Promise<number> =>
    eventually('the port of the operator', () => {
      if (!running()) throw new Error(`the operator ended: ${output()}`);
      return portIn(output());
    });
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${await port()}${path}`);
    return { status: answer.status, body: await answer.text() };
  };
  const exited = async (): Promise<number | null> => {
    await exit;
    return child.exitCode;
  };
  return {
    output,
    get,
    ready: async () => {
      await eventually('the operator to be ready', async () => (await get('/readyz')).status === 200);
    },
    kill: (signal) => void child.kill(signal),
    exited,
    stop: () => {
      child.kill('SIGTERM');
      return exited();
    },
  };
}

/** Runs `--once` to its end. */
export async function runOnce(run: OperatorRun): Promise<{ code: number | null; output: string }> {
  const operator = startOperator({
    ...run,
    flags: ['--once', '--log-level=warn', ...(run.flags ?? [])],
  });
  const code = await operator.exited();
  return { code, output: operator.output() };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}

function portIn(output: string): number | undefined {
  for (const line of output.split('\n')) {
    if (!line.includes('"Started"')) continue;
    return startedSchema.parse(JSON.parse(line)).port;
  }
  return undefined;
}
