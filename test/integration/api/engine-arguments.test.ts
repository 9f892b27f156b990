import { describe, expect, jest, test } from '@jest/globals';
import { DENIED_ENGINE_FLAGS } from '../../../src/api/engine.ts';
import { SERVE_FLAGS } from '../../../src/demo/vllm/command-line/flags.ts';
import { apiServer } from '../../support/api/api-server.ts';
import { classroom } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const { controlPlane, client } = await connectToControlPlane();
const server = apiServer(client, await controlPlane.createNamespace('arguments'));

async function refusals(extraArgs: string[]): Promise<string[]> {
  const { namespace: _ours, ...metadata } = classroom().metadata;
  const { causes } = await server.dryRun({ ...classroom({ spec: { engine: { extraArgs } } }), metadata });
  return causes.map(({ field }) => field);
}

const longNames = SERVE_FLAGS.flatMap(({ names }) => names.filter((name) => name.startsWith('--')));
const negations = SERVE_FLAGS.filter(({ kind }) => kind === 'toggle').flatMap(({ names }) =>
  names.filter((name) => name.startsWith('--')).map((name) => name.replace('--', '--no-')),
);
const denied = DENIED_ENGINE_FLAGS.map((flag) => `--${flag}`);

test('every denied flag is one that vLLM knows', () => {
  expect(denied.filter((flag) => !longNames.includes(flag))).toEqual([]);
});

describe('a denied flag is refused in every spelling that vLLM takes', () => {
  test.each(denied)('%s', async (flag) => {
    const spellings = [
      flag,
      `${flag}=1`,
      `--${flag.slice(2).replaceAll('-', '_')}`,
      `${flag}.key=1`,
      `--no-${flag.slice(2)}`,
    ];
    for (const spelling of spellings) {
      expect([spelling, await refusals([spelling])]).toEqual([spelling, ['spec.engine.extraArgs']]);
    }
  });
});

test.each(['--api-k', '--serv', '--max-model-l=8', '--', '--hos'])(
  'the abbreviation %s is refused',
  async (flag) => {
    expect(await refusals([flag, '1'])).toEqual(['spec.engine.extraArgs']);
  },
);

test.each(['-tp=2', '-dp', '-n4', '-q', '-'])('the short flag %s is refused', async (flag) => {
  expect(await refusals([flag])).toEqual(['spec.engine.extraArgs']);
});

test('every other flag of vLLM is accepted, and so are values of all kinds', async () => {
  const allowed = [...longNames, ...negations].filter(
    (name) => !denied.includes(name.replace('--no-', '--')),
  );
  expect(allowed.length).toBeGreaterThan(100);
  for (let start = 0; start < allowed.length; start += 60) {
    expect(await refusals([...allowed.slice(start, start + 60), '-1', 'text', '{"a": "--port"}'])).toEqual(
      [],
    );
  }
});
