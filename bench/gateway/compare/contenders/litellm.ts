import { execFile } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../../src/demo/control-plane/ports.ts';
import { PROXY_CORE, RunningProgram, type StartContender } from '../contender.ts';

const run = promisify(execFile);

/** https://pypi.org/project/litellm/ */
export const LITELLM_VERSION = '1.106.2';
const MASTER_KEY = 'sk-bench';

/** LiteLLM's proxy with its master key and no database: less than ours does, as it keeps no limits that way. */
export const startLiteLlm: StartContender = async ({ upstreams, folder, cacheFolder }) => {
  const environment = join(cacheFolder, `litellm-${LITELLM_VERSION}`);
  await install(environment);
  const config = join(folder, 'litellm.yaml');
  const model = (name: string, port: number): string =>
    `  - {model_name: ${name}, litellm_params: {model: openai/tiny, api_base: "http://127.0.0.1:${port}/v1", api_key: none}}\n`;
  await writeFile(
    config,
    `model_list:\n${model('answer', upstreams.answerPort)}${model('stream', upstreams.streamPort)}` +
      `general_settings: {master_key: ${MASTER_KEY}}\nlitellm_settings: {telemetry: false}\n`,
  );
  const port = await freePort();
  const program = new RunningProgram({
    command: join(environment, 'bin', 'litellm'),
    args: ['--config', config, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'],
    // It would fetch its price list from the network.
    env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR' },
    core: PROXY_CORE,
  });
  await program.answers(`http://127.0.0.1:${port}/health/liveliness`);
  return {
    name: `LiteLLM ${LITELLM_VERSION}`,
    target: (kind) => ({
      host: '127.0.0.1',
      port,
      path: '/v1/chat/completions',
      headers: [{ authorization: `Bearer ${MASTER_KEY}` }],
      model: kind,
    }),
    pid: program.pid,
    stop: () => program.stop(),
  };
};

async function install(environment: string): Promise<void> {
  const installed = await access(join(environment, 'bin', 'litellm')).then(
    () => true,
    () => false,
  );
  if (installed) return;
  await run('python3', ['-m', 'venv', environment]);
  await run(join(environment, 'bin', 'pip'), ['install', '-q', `litellm[proxy]==${LITELLM_VERSION}`]);
}
