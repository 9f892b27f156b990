import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Cluster, clusterCommand } from '../../../../src/cli/cluster/command.ts';
import type { ConnectionFlags } from '../../../../src/cli/cluster/flags.ts';
import type { ExitCode } from '../../../../src/cli/exit-codes.ts';
import type { Machine } from '../../../../src/cli/machine.ts';
import { problems } from '../../../../src/cli/problems.ts';
import { nonEmpty, onOrOff } from '../../../../src/command-line/values.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { createKubeClient } from '../../../../src/kube/kube-client.ts';
import { noCredentials } from '../../../support/kube-client.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const SERVER = 'https://cluster.example.com';
const schema = z.object({ class: nonEmpty.optional(), loud: onOrOff, quiet: onOrOff });

/** A command that does `work`, and a cluster that is only closed. */
async function run(
  argv: readonly string[],
  work: (options: z.output<typeof schema>, cluster: Cluster) => Promise<ExitCode> = async () => 0,
  difference: Partial<Machine> = {},
) {
  const machine = recordedMachine(difference);
  const connected: ConnectionFlags[] = [];
  let closed = 0;
  const command = clusterCommand(
    {
      name: 'greet',
      description: 'Greets.',
      schema,
      flags: {
        class: { spelling: '[class]', about: 'who is greeted' },
        loud: { spelling: '--loud', about: 'so that all hear it' },
        quiet: { spelling: '--quiet', about: 'so that nobody does' },
      },
      examples: [{ about: 'one class', command: 'kubectl classroom greet python-101' }],
      faults: ({ loud, quiet }) =>
        loud === 'true' && quiet === 'true' ? ['--loud and --quiet exclude each other'] : [],
      run: work,
    },
    async (flags) => {
      connected.push(flags);
      const client = createKubeClient({ credentials: noCredentials(SERVER) });
      const close = async () => {
        closed++;
        await client.close();
      };
      return {
        client: { ...client, close },
        contextName: 'lab',
        server: SERVER,
        namespace: flags.namespace ?? 'default',
      };
    },
  );
  const code = await command.run(argv, machine);
  return { code, connected, closed, ...machine.written() };
}

describe('a command', () => {
  test('gets its own options, and a cluster by the flags of the connection', async () => {
    const seen: unknown[] = [];
    const ended = await run(
      ['python-101', '--loud', '-n', 'school', '--request-timeout', '0'],
      async (options, cluster) => {
        seen.push(options, cluster.namespace);
        return 0;
      },
    );
    expect(ended).toMatchObject({ code: 0, stderr: '', closed: 1 });
    expect(seen).toEqual([{ class: 'python-101', loud: true, quiet: false }, 'school']);
    expect(ended.connected).toEqual([{ namespace: 'school', requestTimeout: Number.POSITIVE_INFINITY }]);
  });

  test('is helped without a cluster', async () => {
    const { code, stdout, connected } = await run(['--help']);
    expect({ code, connected }).toEqual({ code: 0, connected: [] });
    expect(stdout).toMatch(/^Usage: kubectl classroom greet \[options\] \[class\]$/m);
    expect(stdout).toContain('-n, --namespace <name>');
    expect(stdout).toContain('  # one class\n  kubectl classroom greet python-101\n');
  });

  test('asks no cluster when its command line cannot be used, and says all that is wrong', async () => {
    const { code, stdout, stderr, connected } = await run(['--loud', '--quiet', '--namespaec', 'x', '--as']);
    expect({ code, stdout, connected }).toEqual({ code: 2, stdout: '', connected: [] });
    expect(stderr).toContain("unknown option '--namespaec': did you mean --namespace?");
    expect(stderr).toContain('--as must be followed by a value');
    expect(stderr).toContain('--loud and --quiet exclude each other');
  });
});

describe('what goes wrong', () => {
  test('is told from the catalogue, and the connection is closed', async () => {
    const ended = await run([], () => Promise.reject(problems.noClass({ namespace: 'school' })));
    expect(ended).toMatchObject({ code: 1, stdout: '', closed: 1 });
    expect(ended.stderr).toMatch(/^error: There is no class in namespace "school"\.\n/);
  });

  test('in a call to the cluster is told with the server that was called', async () => {
    const error = new KubeApiError({ status: 0, reason: 'Unreachable', message: 'ECONNREFUSED' });
    const { stderr } = await run([], () => Promise.reject(error));
    expect(stderr).toMatch(
      /^error: The cluster at https:\/\/cluster\.example\.com does not answer\.\n {2}ECONNREFUSED\n/,
    );
  });

  test('in the program itself is thrown', async () => {
    await expect(run([], () => Promise.reject(new TypeError('x is not a function')))).rejects.toThrow(
      TypeError,
    );
  });

  test('after Ctrl-C is that: calls that wait are ended, and the exit code is 130', async () => {
    const interrupt = new AbortController();
    const waits = (_: unknown, { client }: Cluster) => {
      queueMicrotask(() => interrupt.abort());
      return client.raw('GET', '/readyz').then(() => 0 as const);
    };
    const { code, stderr } = await run([], waits, { signal: interrupt.signal });
    expect(code).toBe(130);
    expect(stderr).toMatch(/^error: Interrupted\./);
  });
});
