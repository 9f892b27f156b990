import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { createTokenVerifier } from '../../../src/gateway/identity/jwt.ts';
import { publicKeysOf } from '../../../src/gateway/identity/token-keys.ts';
import { tokenSettingsSchema } from '../../../src/gateway/identity/token-settings.ts';
import { listenOn } from '../../../src/http/listen.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { aSeat, bobsSeat, CLASS_KEY } from './builders.ts';
import { ask, askJson, CHAT, STREAM, startWorld, type World } from './gateway-world.ts';
import {
  answerWell,
  beginStream,
  DONE_FRAME,
  type ScriptedEngine,
  startScriptedEngine,
  tokenFrame,
} from './scripted-engine.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const ISSUER = 'https://login.example.org';

function tokenOf(student: string, exp: number): Promise<string> {
  return new SignJWT({ iss: ISSUER, aud: 'gpu-classroom', sub: student, exp })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'one' })
    .sign(privateKey);
}

const SETTINGS = { issuer: ISSUER, audience: 'gpu-classroom', publicKeyFile: 'x', classroom: CLASS_KEY };

describe('a student with a token', () => {
  let engine: ScriptedEngine;
  let world: World;
  let clock: FakeClock;
  let token: string;

  beforeEach(async () => {
    engine = await startScriptedEngine(({ body, response }) => {
      if (body.stream !== true) return;
      beginStream(response);
      response.write(tokenFrame('a'));
    });
    clock = createFakeClock();
    const keys = publicKeysOf(publicKey.export({ type: 'spki', format: 'pem' }).toString());
    const tokens = createTokenVerifier({ settings: tokenSettingsSchema.parse(SETTINGS), keys, clock });
    world = await startWorld({ engines: [engine.url], clock, tokens });
    token = await tokenOf('alice', clock.now() / 1000 + 60);
  });

  afterEach(async () => {
    await world.stop();
    await engine.close();
  });

  async function streaming() {
    const answer = await ask(world, STREAM, { key: token });
    await eventually('the first token', () => answer.text.includes(tokenFrame('a')));
    return answer;
  }

  test.each<[string, () => void, string]>([
    ['is suspended', () => world.gateway.directory.putSeat(aSeat({ suspended: true })), 'seat_suspended'],
    ['loses the seat', () => world.gateway.directory.removeSeat(aSeat().key), 'unknown_student'],
    [
      'is another one now',
      () => world.gateway.directory.putSeat(aSeat({ studentId: 'someone-else' })),
      'unknown_student',
    ],
  ])('who %s while an answer streams hears so at once', async (_, change, code) => {
    const answer = await streaming();
    change();
    await answer.over;
    expect(answer.text).toContain(`"code":"${code}"`);
    expect((await askJson(world, CHAT, { key: token })).body.error.code).toBe(code);
  });

  test('gets the answer to its end although the token expires meanwhile', async () => {
    const answer = await streaming();
    await clock.advance(100_000);
    world.gateway.directory.putSeat(aSeat({ weight: 2 }));
    engine.calls[0]?.response.end(DONE_FRAME);
    await answer.over;
    expect(answer.text).toContain('[DONE]');
    expect((await askJson(world, CHAT, { key: token })).body.error.code).toBe('expired_token');
  });

  test('is not hindered by a change of somebody else', async () => {
    const answer = await streaming();
    world.gateway.directory.putSeat(bobsSeat({ suspended: true }));
    engine.calls[0]?.response.end(DONE_FRAME);
    await answer.over;
    expect(answer.text).toContain('[DONE]');
  });

  test('is named in the log, and the token is not', async () => {
    await askJson(world, 'no JSON', { key: token });
    await eventually('the line', () => world.log.some(({ message }) => message === 'request'));
    const text = JSON.stringify(world.log);
    expect(text).toContain('"student":"alice"');
    for (const part of token.split('.')) expect(text).not.toContain(part);
  });
});

test('a gateway reads the keys of its issuer over HTTP', async () => {
  const engine = await startScriptedEngine(answerWell);
  const issuer = createServer((_, response) => {
    response.end(JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] }));
  });
  const { authority } = await listenOn(issuer, { host: '127.0.0.1', port: 0 });
  await using folder = await temporaryFolder();
  const [config, classes] = ['gateway.yaml', 'static.yaml'].map((name) => join(folder.path, name));
  const { publicKeyFile: _, ...jwt } = { ...SETTINGS, classroom: 'static/python-101' };
  await writeFile(
    config ?? '',
    JSON.stringify({ static: classes, jwt: { ...jwt, jwksUrl: `http://${authority}/certs` } }),
  );
  const spec = { model: { id: 'a/b', servedName: 'qwen', maxModelLen: 4096 } };
  const students = [{ id: 'alice', keySha256: 'a'.repeat(64) }];
  await writeFile(
    classes ?? '',
    JSON.stringify({ classes: [{ name: 'python-101', spec, engines: [engine.url], students }] }),
  );

  const gateway = startGatewayProcess([`--config=${config}`, '--ledger=memory']);
  const answer = await fetch(`${await gateway.url()}/v1/models`, {
    headers: { authorization: `Bearer ${await tokenOf('alice', Date.now() / 1000 + 600)}` },
  });
  expect([answer.status, await answer.json()]).toMatchObject([200, { data: [{ id: 'qwen' }] }]);

  expect(await gateway.stop()).toBe(0);
  issuer.closeAllConnections();
  issuer.close();
  await engine.close();
});
