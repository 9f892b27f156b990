import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { aClassroomLimiting } from './builders.ts';
import { ask, CHAT, startWorld } from './gateway-world.ts';

const REQUESTS = 16;
const BODY_BYTES = 1_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes of buffers that something still holds. */
function buffersHeld(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

test('a request that waits for an engine is kept once: not also as the bytes that came', async () => {
  const world = await startWorld({
    classroom: aClassroomLimiting(
      { concurrentRequests: REQUESTS, tokensPerMinute: 1e9 },
      { maxModelLen: BODY_BYTES },
    ),
    queueBounds: { engineWaitMs: 600_000 },
    maxBodyBytes: 2 * BODY_BYTES,
  });
  const before = buffersHeld();
  const body = { ...CHAT, messages: [{ role: 'user', content: 'a'.repeat(BODY_BYTES) }] };
  const asked = Array.from({ length: REQUESTS }, () => ask(world, body));
  await eventually('all wait', () => world.gateway.requestsInFlight === REQUESTS);
  await eventually('what came is forgotten', () => buffersHeld() - before < (REQUESTS / 2) * BODY_BYTES);
  const stopping = world.stop();
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(REQUESTS).fill(503));
  await stopping;
});
