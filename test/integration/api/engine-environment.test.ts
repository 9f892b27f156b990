import { expect, jest, test } from '@jest/globals';
import { DENIED_ENGINE_VARIABLES } from '../../../src/api/engine-env.ts';
import { apiServer } from '../../support/api/api-server.ts';
import { classroom } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

const { controlPlane, client } = await connectToControlPlane();
const server = apiServer(client, await controlPlane.createNamespace('environment'));

/** What the API server says of a class with these variables; without the schema's own checks. */
async function causesOf(names: readonly string[]) {
  const { spec, metadata, ...rest } = classroom();
  const { namespace: _ours, ...named } = metadata;
  const env = names.map((name) => ({ name, value: 'x' }));
  const object = { ...rest, metadata: named, spec: { ...spec, engine: { ...spec.engine, env } } };
  return (await server.dryRun(object)).causes;
}

test.each(DENIED_ENGINE_VARIABLES)('$names are refused: $message', async ({ names, message }) => {
  expect(await causesOf(names)).toEqual(
    names.map((_, index) => ({ field: `spec.engine.env[${index}].name`, message: `Forbidden: ${message}` })),
  );
});

test('variables that only look like them are accepted', async () => {
  expect(await causesOf(['hf_home', 'MY_HOME', 'VLLM_PORTS', 'HF_TOKENS', '_HOME', 'Home'])).toEqual([]);
});
