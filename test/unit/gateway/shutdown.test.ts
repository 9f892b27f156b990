import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { eventually } from '../../support/eventually.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { ALICE_KEY } from './builders.ts';
import { ask, CHAT, startWorld } from './gateway-world.ts';

const addressesSchema = z.object({ health: z.string() });

describe('a gateway that is told to stop', () => {
  test('sends away at once what waits for an engine, although there is time', async () => {
    const world = await startWorld({ engines: [], queueBounds: { engineWaitMs: 3_600_000 } });
    const asked = ask(world, CHAT);
    await eventually('the request waits', () => world.gateway.requestsInFlight === 1);
    const stopping = world.stop(3_600_000);
    const answer = await asked;
    await answer.over;
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([503, 'gateway_stopping']);
    expect(answer.headers['retry-after']).toBe('1');
    await stopping;
  });

  test('is not ready from the first moment, answers on for the delay, and ends at a second signal', async () => {
    await using folder = await temporaryFolder();
    const classes = join(folder.path, 'static.yaml');
    const spec = { model: { id: 'a/b', servedName: 'qwen', maxModelLen: 4096 } };
    const students = [{ id: 'alice', key: ALICE_KEY }];
    const one = { name: 'python-101', spec, engines: ['http://127.0.0.1:1'], students };
    await writeFile(classes, JSON.stringify({ classes: [one] }));
    const gateway = startGatewayProcess([
      '--ledger=memory',
      `--static=${classes}`,
      '--health-address=127.0.0.1:0',
      '--shutdown-delay=1h',
    ]);
    const url = await gateway.url();
    const { health } = addressesSchema.parse(await gateway.logged('The gateway takes requests'));
    const ready = async () => (await fetch(`http://${health}/readyz`)).status;
    expect(await ready()).toBe(200);

    gateway.kill('SIGTERM');
    await eventually('it is not ready', async () => (await ready()) === 503);
    const models = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${ALICE_KEY}` } });
    expect(models.status).toBe(200);

    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(1);
    expect(gateway.output()).toContain('A second signal');
  });
});
