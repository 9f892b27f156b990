import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../../src/demo/control-plane/ports.ts';
import { PROXY_CORE, RunningProgram, type StartContender } from '../contender.ts';
import { nginxConfig } from '../nginx-config.ts';

/** nginx as a plain proxy: no keys, no limits, nothing read or counted. The speed of light, so to say. */
export const startNginx: StartContender = async ({ upstreams, folder }) => {
  const ports = { answer: await freePort(), stream: await freePort() };
  const config = join(folder, 'nginx-proxy.conf');
  await writeFile(config, nginxConfig(folder, 'nginx-proxy', proxies(ports, upstreams)));
  const program = new RunningProgram({ command: 'nginx', args: ['-c', config], core: PROXY_CORE });
  await program.answers(`http://127.0.0.1:${ports.answer}/`);
  return {
    name: 'nginx',
    target: (kind) => ({
      host: '127.0.0.1',
      port: ports[kind],
      path: '/v1/chat/completions',
      headers: [{}],
      model: 'tiny',
    }),
    pid: program.pid,
    stop: () => program.stop(),
  };
};

type Ports = Readonly<Record<'answer' | 'stream', number>>;

function proxies(ports: Ports, upstreams: { answerPort: number; streamPort: number }): string {
  const proxy = (port: number, upstream: string): string => `
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://${upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }`;
  return `upstream answers { server 127.0.0.1:${upstreams.answerPort}; keepalive 256; keepalive_requests 1000000; }
  upstream streams { server 127.0.0.1:${upstreams.streamPort}; keepalive 256; keepalive_requests 1000000; }
  ${proxy(ports.answer, 'answers')}
  ${proxy(ports.stream, 'streams')}`;
}
