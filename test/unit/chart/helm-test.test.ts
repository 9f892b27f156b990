import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { listenOn } from '../../../src/http/listen.ts';

/** What `helm test` runs, as the chart runs it: the text of the file as an argument of Node. */
const script = readFileSync(
  join(import.meta.dirname, '../../../charts/gpu-classroom/files/helm-test.mjs'),
  'utf8',
);

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Answer {
  status: number;
  body: string;
}

/** A server that gives these answers, one after the other, and the last one for ever. */
async function serverWith(...answers: readonly Answer[]): Promise<string> {
  const left = [...answers];
  const server = createServer((_request, response) => {
    const { status, body } = (left.length > 1 ? left.shift() : left[0]) ?? { status: 500, body: '' };
    response.writeHead(status, { connection: 'close' }).end(body);
  });
  servers.push(server);
  return `http://${(await listenOn(server, { host: '127.0.0.1', port: 0 })).authority}`;
}

async function helmTest(gateway: string, operator: string, patienceMs = 120_000) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { GATEWAY_URL: gateway, OPERATOR_URL: operator, PATIENCE_MS: String(patienceMs) },
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { stdout, stderr, code };
}

const NO_KEY: Answer = { status: 401, body: '{"error":{"code":"missing_api_key"}}' };
const READY: Answer = { status: 200, body: 'ok' };
const STARTING: Answer = { status: 503, body: '' };

describe('helm test', () => {
  test('passes when the gateway asks for a key and the operator is ready, be it after a while', async () => {
    const [gateway, operator] = [await serverWith(STARTING, NO_KEY), await serverWith(STARTING, READY)];
    const { stdout, stderr, code } = await helmTest(gateway, operator);
    expect(stdout.trim().split('\n').sort()).toEqual([
      'ok: the gateway asks for a key',
      'ok: the operator is ready',
    ]);
    expect([stderr, code]).toEqual(['', 0]);
  });

  test.each([
    ['somebody else answers in the place of the gateway', READY, READY, 'the gateway asks for a key'],
    ['the operator never becomes ready', NO_KEY, STARTING, 'the operator is ready'],
  ])('fails when %s, and says so', async (_what, gatewayAnswer, operatorAnswer, words) => {
    const [gateway, operator] = [await serverWith(gatewayAnswer), await serverWith(operatorAnswer)];
    const { stderr, code } = await helmTest(gateway, operator, 0);
    expect([stderr, code]).toEqual([expect.stringContaining(words), 1]);
  });

  test('fails when nobody answers, and says where', async () => {
    const { stderr, code } = await helmTest('http://127.0.0.1:1', 'http://127.0.0.1:1', 0);
    expect([stderr, code]).toEqual([expect.stringContaining('http://127.0.0.1:1/v1/models'), 1]);
  });
});
