import { z } from 'zod';
import { eventually } from './eventually.ts';
import { type Program, startProgram } from './program.ts';

const startedSchema = z.object({ port: z.int() });

export interface OperatorRun {
  kubeconfig: string;
  /** Default: all. */
  namespace?: string;
  flags?: readonly string[];
}

/** An operator as a process of its own. */
export interface RunningOperator extends Program {
  /** The answer of `/healthz`, `/readyz` or `/metrics`. */
  get(path: string): Promise<{ status: number; body: string }>;
  /** Resolves when `/readyz` says 200. */
  ready(): Promise<void>;
}

export function startOperator({ kubeconfig, namespace, flags = [] }: OperatorRun): RunningOperator {
  const program = startProgram('src/operator/main.ts', [
    `--kubeconfig=${kubeconfig}`,
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    '--operator-namespace=gpu-classroom',
    '--gateway-base-url=http://gateway.test/v1',
    '--health-address=127.0.0.1:0',
    ...flags,
  ]);
  const get = async (path: string) => {
    const { port } = startedSchema.parse(await program.logged('Started'));
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: answer.status, body: await answer.text() };
  };
  const ready = async () => {
    await eventually('the operator to be ready', async () => (await get('/readyz')).status === 200);
  };
  return { ...program, get, ready };
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
