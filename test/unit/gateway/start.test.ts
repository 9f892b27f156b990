import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { listenOn } from '../../../src/http/listen.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { ALICE_KEY } from './builders.ts';

test('a gateway that cannot listen says so and ends, although its health server listens already', async () => {
  await using folder = await temporaryFolder();
  const classes = join(folder.path, 'static.yaml');
  const students = [{ id: 'alice', key: ALICE_KEY }];
  const spec = { model: { id: 'a/b' } };
  await writeFile(
    classes,
    JSON.stringify({ classes: [{ name: 'a', spec, engines: ['http://127.0.0.1:1'], students }] }),
  );
  const taken = createServer();
  const { authority } = await listenOn(taken, { host: '127.0.0.1', port: 0 });
  try {
    const gateway = startGatewayProcess([
      `--static=${classes}`,
      '--health-address=127.0.0.1:0',
      `--listen=${authority}`,
    ]);
    expect(await gateway.exited()).toBe(1);
    expect(gateway.output()).toContain(`address already in use ${authority}`);
  } finally {
    taken.close();
    await once(taken, 'close');
  }
});
