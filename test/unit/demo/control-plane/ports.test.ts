import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { freePorts } from '../../../../src/demo/control-plane/ports.ts';

test('ports differ, are free, and lie outside the ranges that systems give to outgoing connections', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(30_000);
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  }
});
