import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import { eventually } from './eventually.ts';

const MAIN = join(import.meta.dirname, '../../src/gateway/main.ts');
const takesRequestsSchema = z.object({ msg: z.literal('The gateway takes requests'), address: z.string() });

/** A gateway as a process of its own, as in production. */
export interface GatewayProcess {
  /** Everything written to standard output and error so far. */
  output(): string;
  /** Such as `http://127.0.0.1:40123`; resolves when it takes requests. */
  url(): Promise<string>;
  /** The exit code; null after a signal that was not handled. */
  exited(): Promise<number | null>;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
}

/** Starts `src/gateway/main.ts` on a free port without a health server, unless the flags say otherwise. */
export function startGatewayProcess(flags: readonly string[]): GatewayProcess {
  const standard = ['--listen=127.0.0.1:0', '--health-address=off'];
  const child = spawn(process.execPath, ['--no-warnings', MAIN, ...standard, ...flags], {
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collect(child);
  const exit = once(child, 'exit');
  const exited = async (): Promise<number | null> => {
    await exit;
    return child.exitCode;
  };
  return {
    output,
    url: () =>
      eventually('the gateway to take requests', () => {
        if (child.exitCode !== null) throw new Error(`the gateway ended: ${output()}`);
        const address = addressIn(output());
        return address === undefined ? undefined : `http://${address}`;
      }),
    exited,
    stop: () => {
      child.kill('SIGTERM');
      return exited();
    },
  };
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

function addressIn(output: string): string | undefined {
  const line = output.split('\n').find((candidate) => candidate.includes('The gateway takes requests'));
  return line === undefined ? undefined : takesRequestsSchema.parse(JSON.parse(line)).address;
}
