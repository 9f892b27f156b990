import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../../src/demo/control-plane/ports.ts';
import { PROXY_CORE, RunningProgram, type StartContender } from '../contender.ts';

const run = promisify(execFile);

/** https://www.npmjs.com/package/@portkey-ai/gateway */
export const PORTKEY_VERSION = '1.15.2';

/** The newest with which its streams work: with 1.19 each ends in `TypeError: immutable` and a 500. */
const HONO_NODE_SERVER_VERSION = '1.13.8';

/** Portkey's open-source gateway: it passes on, and keeps neither keys nor limits of its own. */
export const startPortkey: StartContender = async ({ upstreams, cacheFolder }) => {
  const folder = join(cacheFolder, `portkey-${PORTKEY_VERSION}-${HONO_NODE_SERVER_VERSION}`);
  const program = await start(folder, await freePort());
  return {
    name: `Portkey ${PORTKEY_VERSION}`,
    target: (kind) => ({
      host: '127.0.0.1',
      port: program.port,
      path: '/v1/chat/completions',
      headers: [
        {
          authorization: 'Bearer none',
          'x-portkey-provider': 'openai',
          'x-portkey-custom-host': `http://127.0.0.1:${kind === 'answer' ? upstreams.answerPort : upstreams.streamPort}/v1`,
        },
      ],
      model: 'tiny',
    }),
    pid: program.running.pid,
    stop: () => program.running.stop(),
  };
};

async function start(folder: string, port: number): Promise<{ running: RunningProgram; port: number }> {
  await install(folder);
  const running = new RunningProgram({
    command: process.execPath,
    args: [
      join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js'),
      `--port=${port}`,
      '--headless',
    ],
    env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    core: PROXY_CORE,
  });
  await running.answers(`http://127.0.0.1:${port}/`);
  return { running, port };
}

async function install(folder: string): Promise<void> {
  const installed = await access(join(folder, 'node_modules', '@portkey-ai')).then(
    () => true,
    () => false,
  );
  if (installed) return;
  await mkdir(folder, { recursive: true });
  const manifest = { private: true, overrides: { '@hono/node-server': HONO_NODE_SERVER_VERSION } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const packages = [`@portkey-ai/gateway@${PORTKEY_VERSION}`];
  await run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: folder });
}
