import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import { EXIT_CODES } from '../../../src/cli/exit-codes.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { kubectlClassroom } from '../../support/kubectl-classroom.ts';
import { personWithRole } from '../../support/person.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('cli-create');

/** Who may make classes there and read no node: what is planned rests on the table of GPUs. */
let engineer: string;
beforeAll(async () => {
  engineer = await personWithRole(client, namespace, 'platform');
});

const SEVEN_B = ['--model', 'Qwen/Qwen2.5-7B-Instruct'];
const create = (...argv: string[]) =>
  kubectlClassroom([
    ...['create', ...argv, '--as', engineer],
    ...(argv.includes('-n') ? [] : ['-n', namespace]),
    ...['--kubeconfig', controlPlane.kubeconfigPath],
  ]);
const found = (name: string): Promise<Classroom | undefined> => client.get(classrooms, { namespace, name });

describe('a class', () => {
  test('is made with as many engines as its students need, and what comes next is said', async () => {
    const { code, stdout, stderr } = await create(
      'python-101',
      ...SEVEN_B,
      '--gpu',
      'A10',
      '--students',
      '30',
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'classroom.gpu-classroom.io/python-101 created\n' });
    expect(stderr).toMatch(/one engine carries 8 students\.\nPlanned: up to 4 engines for 30 students\.\n/);
    expect(stderr).toContain(`Next: kubectl classroom enroll python-101 -n ${namespace} -f roster.csv`);
    expect((await found('python-101'))?.spec).toMatchObject({
      model: { id: 'Qwen/Qwen2.5-7B-Instruct' },
      gpu: { product: 'NVIDIA-A10', sharing: 'None' },
      engine: { replicas: { min: 1, max: 4 } },
    });
  });

  test('takes what is said of it', async () => {
    const shared = ['--gpu', 'H100-80', '--mig-profile', '2g.20gb', '--max-model-len', '2048'];
    const words = ['--served-name', 'qwen', '--model-volume', 'models', '--contact', 'Ms Chen, room 214'];
    const { code, stderr } = await create('biology', ...SEVEN_B, ...shared, ...words);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('fits') });
    expect((await found('biology'))?.spec).toMatchObject({
      model: { servedName: 'qwen', maxModelLen: 2048, storage: { claimName: 'models' } },
      gpu: { product: 'NVIDIA-H100-80GB-HBM3', sharing: 'MIG', migProfile: '2g.20gb' },
      contact: 'Ms Chen, room 214',
    });
  });

  test('of a model that nobody knows is made: the operator may find out more', async () => {
    const { code, stderr } = await create('mystery', '--model', 'acme/tutor', '--gpu', 'A10');
    expect(code).toBe(0);
    expect(stderr).toContain('Not planned here');
  });
});

describe('nothing is made', () => {
  test('with --dry-run client: the class is printed, with nothing that has a default', async () => {
    const { code, stdout } = await create('dry', ...SEVEN_B, '--gpu', 'A10', '--dry-run', 'client');
    expect({ code, object: parse(stdout) }).toEqual({
      code: 0,
      object: {
        apiVersion: 'gpu-classroom.io/v1alpha1',
        kind: 'Classroom',
        metadata: { name: 'dry', namespace },
        spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' }, gpu: { product: 'NVIDIA-A10' } },
      },
    });
    expect(await found('dry')).toBeUndefined();
  });

  test('with --dry-run server: the cluster has checked it', async () => {
    const { code, stdout } = await create('dry', ...SEVEN_B, '--gpu', 'A10', '--dry-run=server');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'classroom.gpu-classroom.io/dry created (server dry run)\n',
    });
    expect(await found('dry')).toBeUndefined();
  });

  test('where the model does not fit: with the sum, and what would', async () => {
    const { code, stdout, stderr } = await create(
      'big',
      '--model',
      'Qwen/Qwen2.5-72B-Instruct',
      '--gpu',
      'A10',
    );
    expect({ code, stdout }).toEqual({ code: EXIT_CODES.doesNotFit, stdout: '' });
    expect(stderr).toMatch(/take 135\.53 GiB of each GPU, more than the 19\.80 GiB/);
    expect(stderr).toMatch(/--tensor-parallel 4 --quantization AWQ/);
    expect(await found('big')).toBeUndefined();
  });

  test.each([
    ['a GPU that nobody knows', ['x', ...SEVEN_B, '--gpu', 'A11'], 2, 'There is no GPU "A11".'],
    ['a name that no class can have', ['Python_101', ...SEVEN_B], 2, 'name must begin with a letter'],
    ['neither name nor model', [], 2, /name must be set\n +--model must be set/],
    [
      'a name that students cannot write',
      ['x', ...SEVEN_B, '--served-name', 'my model'],
      2,
      'spec.model.servedName',
    ],
    [
      'a GPU shared in two ways',
      ['x', ...SEVEN_B, '--mig-profile', '1g.10gb', '--slices-per-gpu', '4'],
      2,
      '--slices-per-gpu and --mig-profile must not be used together',
    ],
  ])('because of %s', async (_, argv, code, words) => {
    const ended = await create(...argv);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(words);
  });

  test('where there is such a class already', async () => {
    const { stderr: _, ...ended } = await create('twice', ...SEVEN_B, '--gpu', 'A10');
    expect(ended.code).toBe(0);
    const again = await create('twice', ...SEVEN_B, '--gpu', 'L4');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('class "twice"') });
    expect((await found('twice'))?.spec.gpu.product).toBe('NVIDIA-A10');
  });

  test('where there is no such namespace', async () => {
    const argv = ['create', 'x', ...SEVEN_B, '-n', 'nowhere', '--kubeconfig', controlPlane.kubeconfigPath];
    expect(await kubectlClassroom(argv)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('kubectl create namespace nowhere'),
    });
  });

  test('by a trainer, who may change classes and not make them', async () => {
    const trainer = await personWithRole(client, namespace, 'trainer');
    const argv = ['create', 'x', ...SEVEN_B, '--as', trainer, '-n', namespace];
    const ended = await kubectlClassroom([...argv, '--kubeconfig', controlPlane.kubeconfigPath]);
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('You may not do that') });
  });
});
