import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };

// A busy machine is slow, not wrong.
jest.setTimeout(120_000);

const repository = join(import.meta.dirname, '../../..');
const binary = join(repository, 'bin/kubectl-classroom');

/** What scripts may rely on. */
const mib = z.int().min(0);
const planSchema = z.object({
  fits: z.boolean(),
  reason: z.string().min(1),
  memory: z.object({
    totalMiB: mib,
    budgetMiB: mib,
    weightsMiB: mib,
    activationsMiB: mib,
    graphsMiB: mib,
    overheadMiB: mib,
    heldBackMiB: mib,
    kvCacheMiB: z.int(),
  }),
  kvCacheTokens: z.int().min(0),
  maxConcurrentSequences: z.number().min(0),
  students: z.int().min(0),
  replicas: z.int().min(0),
  engineArgs: z.array(z.string()),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  suggestions: z.array(z.object({ message: z.string(), change: z.record(z.string(), z.unknown()) })),
});

interface Ended {
  code: number | string | null | undefined;
  stdout: string;
  stderr: string;
}

/** Somewhere else than the checkout, as a user is. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plan-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a program with a PATH and nothing else in its environment. */
function run(program: string, argv: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { PATH: process.env.PATH } };
    const child = execFile(program, argv, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

const plan = (...argv: string[]) => run(binary, ['plan', ...argv]);

const A10_CLASS = ['--model', 'Qwen/Qwen2.5-7B-Instruct', '--gpu', 'A10', '--students', '20'];

test('says its version', async () => {
  expect(await run(binary, ['--version'])).toEqual({
    code: 0,
    stdout: `${packageJson.version}\n`,
    stderr: '',
  });
});

test('is found by kubectl through a link in the PATH', async () => {
  const link = join(folder, 'kubectl-classroom');
  await symlink(binary, link);
  expect(await run(link, ['--version'])).toMatchObject({ code: 0 });
});

test('is handed to the Node of the checkout by one that cannot run TypeScript', async () => {
  const argv = ['--no-experimental-strip-types', binary, 'plan', ...A10_CLASS, '-o', 'json'];
  const ended = await run(process.execPath, argv);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  planSchema.parse(JSON.parse(ended.stdout));
});

test('runs as TypeScript without any environment', async () => {
  const main = join(repository, 'src/cli/main.ts');
  const ended = await run(process.execPath, [main, 'plan', ...A10_CLASS, '-o', 'json']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  planSchema.parse(JSON.parse(ended.stdout));
});

describe('plan -o json', () => {
  test('a plan that fits is JSON and nothing else, and ends with 0', async () => {
    const { code, stdout, stderr } = await plan(...A10_CLASS, '-o', 'json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { fits, replicas, students, engineArgs } = planSchema.parse(JSON.parse(stdout));
    expect(fits).toBe(true);
    expect(replicas * students).toBeGreaterThanOrEqual(20);
    expect(engineArgs).toContain('--max-num-seqs');
  });

  test('a plan that does not fit is JSON too, says why and what to change, and ends with 3', async () => {
    const { code, stdout, stderr } = await plan(
      ...['--model', 'Qwen/Qwen2.5-7B-Instruct', '--gpu', 'T4', '-o', 'json'],
    );
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    const { fits, reason, suggestions, engineArgs } = planSchema.parse(JSON.parse(stdout));
    expect(fits).toBe(false);
    expect(reason).not.toBe('');
    expect(suggestions).not.toEqual([]);
    expect(engineArgs).toEqual([]);
  });

  test('a mistake writes nothing to standard output, and ends with 2', async () => {
    const { code, stdout, stderr } = await plan(
      '--model',
      'a/b-7b',
      '--gpu',
      'A11',
      '--seqs',
      '8',
      '-o',
      'json',
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/--gpu.*A11/);
    expect(stderr).toMatch(/--seqs/);
  });

  test('the sum is a sum', async () => {
    const { stdout } = await plan(...A10_CLASS, '-o', 'json');
    const { memory } = planSchema.parse(JSON.parse(stdout));
    const { totalMiB: _total, budgetMiB, ...terms } = memory;
    expect(Object.values(terms).reduce((sum, term) => sum + term, 0)).toBe(budgetMiB);
    expect(memory.budgetMiB).toBeLessThanOrEqual(memory.totalMiB);
  });
});

test('-o yaml is the same in YAML', async () => {
  const [json, yaml] = await Promise.all([plan(...A10_CLASS, '-o', 'json'), plan(...A10_CLASS, '-oyaml')]);
  expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
});

describe('plan --from', () => {
  const classroom = JSON.stringify({
    apiVersion: 'gpu-classroom.io/v1alpha1',
    kind: 'Classroom',
    metadata: { name: 'python-101' },
    spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' }, gpu: { product: 'NVIDIA-A10' } },
  });

  test('reads a file', async () => {
    await writeFile(join(folder, 'class.yaml'), classroom);
    const { code, stdout } = await plan('--from', 'class.yaml', '-o', 'json');
    expect(code).toBe(0);
    expect(planSchema.parse(JSON.parse(stdout)).fits).toBe(true);
  });

  test('reads what kubectl pipes to it', async () => {
    const { code, stdout } = await run(binary, ['plan', '--from', '-', '-o', 'json'], classroom);
    expect(code).toBe(0);
    expect(planSchema.parse(JSON.parse(stdout)).fits).toBe(true);
  });
});

test('plan --model-config reads a config.json of a model that nobody knows', async () => {
  const config = {
    model_type: 'qwen2',
    architectures: ['Qwen2ForCausalLM'],
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    vocab_size: 151_936,
    max_position_embeddings: 32_768,
    tie_word_embeddings: true,
    torch_dtype: 'bfloat16',
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const { code, stdout } = await plan(
    ...['--model-config', 'config.json', '--gpu', 'H100', '--mig-profile', '1g.10gb', '-o', 'json'],
  );
  expect(code).toBe(0);
  const { memory } = planSchema.parse(JSON.parse(stdout));
  // Half a billion parameters of two bytes.
  expect(memory.weightsMiB).toBeGreaterThan(850);
  expect(memory.weightsMiB).toBeLessThan(1100);
});

test('a reader that has seen enough, such as `head`, is no fault', async () => {
  const ended = await run('sh', ['-c', `${binary} plan ${A10_CLASS.join(' ')} -o yaml | head -1`]);
  expect(ended).toEqual({ code: 0, stdout: 'fits: true\n', stderr: '' });
});
