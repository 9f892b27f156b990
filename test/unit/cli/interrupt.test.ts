import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';

// A busy machine is slow, not wrong.
jest.setTimeout(120_000);

const main = join(import.meta.dirname, '../../../src/cli/main.ts');

test('Ctrl-C while a cluster does not answer ends the command with 130, at once and in words', async () => {
  const asked = Promise.withResolvers<void>();
  const server = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), 'interrupt-'));
  const kubeconfig = join(folder, 'config.json');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'slow',
      contexts: [{ name: 'slow', context: { cluster: 'slow' } }],
      clusters: [{ name: 'slow', cluster: { server: `http://127.0.0.1:${port}` } }],
    }),
  );
  try {
    const argv = ['--no-warnings', main, 'get', '--kubeconfig', kubeconfig, '--request-timeout', '0'];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = once(child, 'close');
    await asked.promise;
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(stderr).toMatch(/^error: Interrupted\.\n/);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});
