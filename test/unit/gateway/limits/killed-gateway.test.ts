import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { expectedPromptTokens, type PromptSize } from '../../../../src/gateway/request/estimate.ts';
import { eventually } from '../../../support/eventually.ts';
import { type GatewayProcess, startGatewayProcess } from '../../../support/gateway-process.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { ALICE_KEY } from '../builders.ts';
import { CHAT } from '../gateway-world.ts';
import { answerWell, CHAT_ANSWER, type EngineCall, startScriptedEngine } from '../scripted-engine.ts';

const KILLS = 3;
const AT_ONCE = 8;
/** Enough for all reservations at once. */
const TOKENS_TOTAL = 100_000;
const MAX_MODEL_LEN = 4096;

const usageSchema = z.object({
  total: z.object({
    requests: z.int(),
    completed: z.int(),
    total_tokens: z.int(),
  }),
});

const staticFile = (engine: string): string => `classes:
  - name: python-101
    spec:
      model: {id: Qwen/Qwen2.5-7B-Instruct, servedName: qwen, maxModelLen: ${MAX_MODEL_LEN}}
      limits:
        perStudent:
          tokensTotal: ${TOKENS_TOTAL}
          concurrentRequests: ${AT_ONCE}
    engines:
      - ${engine}
    students:
      - id: alice
        key: ${ALICE_KEY}
`;

const headers = { authorization: `Bearer ${ALICE_KEY}` };

/** The status, or undefined for a connection that broke. */
async function post(url: string): Promise<number | undefined> {
  const asked = fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(CHAT) });
  return asked.then(
    async (answer) => {
      await answer.text();
      return answer.status;
    },
    () => undefined,
  );
}

async function usageAt(url: string) {
  const answer = await fetch(`${url}/v1/usage`, { headers });
  return usageSchema.parse(await answer.json()).total;
}

/** What the gateway expects of the prompt of {@link CHAT}. */
function expectedOfChat(): number {
  const [message] = CHAT.messages;
  const size: PromptSize = {
    textBytes: Buffer.byteLength(message?.content ?? ''),
    printedBytes: 0,
    tokenIds: 0,
    pictures: 0,
    turns: 1,
    prompts: 1,
    hasTools: false,
  };
  return expectedPromptTokens(size, MAX_MODEL_LEN);
}

/** Kills the gateway when half of its requests are answered, and the others hang in the engine. */
async function workAndDie(gateway: GatewayProcess, hanging: readonly EngineCall[]): Promise<void> {
  const url = await gateway.url();
  const [hung, { completed }] = [hanging.length, await usageAt(url)];
  const half = AT_ONCE / 2;
  const asked = Array.from({ length: AT_ONCE }, () => post(url));
  await eventually('half of them hang', () => hanging.length === hung + half);
  await eventually('the others are booked', async () => (await usageAt(url)).completed === completed + half);
  gateway.kill('SIGKILL');
  await gateway.exited();
  const statuses = await Promise.all(asked);
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(half);
  expect(statuses.filter((status) => status === undefined).length).toBeGreaterThanOrEqual(half);
}

test('a gateway that is killed again and again books each request once and forgets no limit', async () => {
  await using folder = await temporaryFolder();
  const hanging: EngineCall[] = [];
  let calls = 0;
  const engine = await startScriptedEngine((call) => {
    calls += 1;
    if (calls % 2 === 0) hanging.push(call);
    else answerWell(call);
  });
  const path = join(folder.path, 'static.yaml');
  await writeFile(path, staticFile(engine.url));
  const flags = ['--static', path, `--ledger=${join(folder.path, 'ledger.db')}`];

  for (let kill = 0; kill < KILLS; kill++) await workAndDie(startGatewayProcess(flags), hanging);
  const gateway = startGatewayProcess(flags);
  const url = await gateway.url();
  const half = (KILLS * AT_ONCE) / 2;
  const used = half * CHAT_ANSWER.usage.total_tokens + half * expectedOfChat();
  expect(await usageAt(url)).toEqual({
    requests: KILLS * AT_ONCE,
    completed: half,
    total_tokens: used,
  });
  const models = await fetch(`${url}/v1/models`, { headers });
  expect(models.headers.get('x-ratelimit-remaining-tokens-total')).toBe(String(TOKENS_TOTAL - used));
  expect(models.headers.get('x-ratelimit-remaining-concurrent-requests')).toBe(String(AT_ONCE));
  expect(await gateway.stop()).toBe(0);
  await engine.close();
});
