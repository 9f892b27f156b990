import { fileURLToPath } from 'node:url';
import { PROXY_CORE, RunningProgram, type StartContender } from '../contender.ts';

const PROXY = fileURLToPath(new URL('./bare-node-proxy.ts', import.meta.url));

/** What Node itself costs: the part of our figures that no gateway on it can save. */
export const startBareNode: StartContender = async ({ upstreams }) => {
  const program = new RunningProgram({
    command: process.execPath,
    args: [PROXY, String(upstreams.answerPort), String(upstreams.streamPort)],
    core: PROXY_CORE,
  });
  const port = Number(await program.said(/listens on (\d+)/));
  return {
    name: 'bare Node and undici',
    target: (kind) => ({ host: '127.0.0.1', port, path: `/${kind}`, headers: [{}], model: 'tiny' }),
    pid: program.pid,
    stop: () => program.stop(),
  };
};
