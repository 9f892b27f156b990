import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../src/demo/control-plane/ports.ts';
import { LOAD_CORE, RunningProgram } from './contender.ts';
import { nginxConfig } from './nginx-config.ts';

/** An engine's answer of 1 KB. */
const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1795412633,
  model: 'tiny',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'word '.repeat(150) }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 17, total_tokens: 168, completion_tokens: 151 },
});

/** Something that answers every request with the same 1 KB, as fast as can be: nginx. */
export async function startAnswerUpstream(folder: string): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const config = join(folder, 'nginx-upstream.conf');
  const server = `server {
    listen 127.0.0.1:${port} backlog=4096;
    default_type application/json;
    location / { return 200 '${ANSWER}'; }
  }`;
  await writeFile(config, nginxConfig(folder, 'nginx-upstream', server));
  const program = new RunningProgram({ command: 'nginx', args: ['-c', config], core: LOAD_CORE });
  await program.answers(`http://127.0.0.1:${port}/`);
  return { port, stop: () => program.stop() };
}
