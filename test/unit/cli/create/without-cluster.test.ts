import { describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { createCommand } from '../../../../src/cli/create/command.ts';
import { systemClock } from '../../../../src/kube/clock.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const KUBECONFIG = '/home/ada/.kube/config';
const SCHOOL = ['python-101', '--model', 'qwen2.5-7b', '--gpu', 'A10', '--students', '12'];

/** Nobody listens at this port. */
const silentCluster = stringify({
  'current-context': 'lab',
  contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'ada', namespace: 'school' } }],
  clusters: [{ name: 'lab', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'ada', user: {} }],
});

/** @param kubeconfig undefined: there is none */
async function create(kubeconfig: string | undefined, ...argv: readonly string[]) {
  const machine = recordedMachine({
    clock: systemClock,
    env: { HOME: '/home/ada', KUBECONFIG },
    ...(kubeconfig === undefined ? {} : { readFile: async () => Buffer.from(kubeconfig) }),
  });
  const code = await createCommand.run(argv, machine);
  return { code, ...machine.written() };
}

const madeIn = (namespace: string) => ({
  apiVersion: 'gpu-classroom.io/v1alpha1',
  kind: 'Classroom',
  metadata: { name: 'python-101', namespace },
  spec: {
    model: { id: 'Qwen/Qwen2.5-7B-Instruct' },
    gpu: { product: 'NVIDIA-A10' },
    engine: { replicas: { max: 2 } },
  },
});

describe('a class is printed by --dry-run client', () => {
  test.each([
    ['where nobody has said which cluster is meant', undefined, 'default'],
    ['where the cluster does not answer', silentCluster, 'school'],
  ])('%s', async (_, kubeconfig, namespace) => {
    const { code, stdout, stderr } = await create(kubeconfig, ...SCHOOL, '--dry-run', 'client');
    expect({ code, object: parse(stdout) }).toEqual({ code: 0, object: madeIn(namespace) });
    expect(stderr).toContain('Planned: up to 2 engines for 12 students.');
    expect(stderr).toContain('Planned without a cluster');
  });

  test('not where it does not fit', async () => {
    const argv = [...SCHOOL, '--slices-per-gpu', '4', '--dry-run', 'client'];
    expect(await create(undefined, ...argv)).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('a cluster is needed', () => {
  test.each([
    ['to make a class', undefined, []],
    ['to check one', undefined, ['--dry-run', 'server']],
    ['that is named', undefined, ['--dry-run', 'client', '--context', 'lab']],
    ['that answers', silentCluster, ['--dry-run', 'server']],
  ])('%s', async (_, kubeconfig, flags) => {
    const { code, stdout, stderr } = await create(kubeconfig, ...SCHOOL, ...flags);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(kubeconfig === undefined ? /There is no kubeconfig/ : /does not answer/);
  });
});
