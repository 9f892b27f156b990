import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../../support/eventually.ts';

const MAIN = join(import.meta.dirname, '../../../../src/demo/vllm/main.ts');

let child: ChildProcess;

afterEach(() => {
  child.kill('SIGKILL');
});

function start(...argv: string[]) {
  const env = { PATH: process.env.PATH, VLLM_SIMULATOR: '{"loadSeconds":0}' };
  const started = spawn(process.execPath, [MAIN, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  return started;
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString('utf8');
  return text;
}

describe('the process of the simulator', () => {
  test.each([[['--help']], [['serve', '--help']]])('%j prints all flags and ends well', async (argv) => {
    const { stdout } = start(...argv);
    const [text, [code]] = await Promise.all([textOf(stdout), once(child, 'exit')]);
    expect(text).toContain('--max-model-len MAX_MODEL_LEN');
    expect(code).toBe(0);
  });

  test('goes on when nobody reads its log any more', async () => {
    const { stdout, stderr } = start('m', '--max-model-len', '4096', '--host', '127.0.0.1', '--port', '0');
    stdout.destroy();
    let log = '';
    stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString('utf8');
    });
    await eventually('it has started', () => log.includes('Application startup complete'));
    expect(log).not.toContain('EPIPE');
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });
});
