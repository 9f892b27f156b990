import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { Agent } from 'undici';
import { createEngineRegistry } from '../../src/gateway/engines/registry.ts';
import { createClientAddress } from '../../src/gateway/http/client-address.ts';
import { createDirectory } from '../../src/gateway/identity/directory.ts';
import { createFailedAttempts } from '../../src/gateway/identity/failed-attempts.ts';
import { createTokenVerifier } from '../../src/gateway/identity/jwt.ts';
import { createSignIn } from '../../src/gateway/identity/sign-in.ts';
import { publicKeysOf } from '../../src/gateway/identity/token-keys.ts';
import { tokenSettingsSchema } from '../../src/gateway/identity/token-settings.ts';
import { loadStaticFile, parseStaticFile } from '../../src/gateway/source/static-file.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey, hashApiKey } from '../../src/student/api-key.ts';

/**
 * What it costs to find out who asks: CPU for each request, among 5,000 students.
 *
 *     node bench/gateway/sign-in.ts
 */
const STUDENTS = 5_000;
const FRESH_TOKENS = 1_000;
const REQUESTS = 50_000;
const WARM_UP = 500;

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keys = Array.from({ length: STUDENTS }, (_, student) => keyNumber(student));
const directory = createDirectory({ saltOf: (_, student) => student });
const students = keys.map((key, student) => ({ id: `student-${student}`, keySha256: hashApiKey(key) }));
const spec = { model: { id: 'a/b', maxModelLen: 4096 } };
const engines = createEngineRegistry({
  connect: () => new Agent(),
  monotonic: systemClock.monotonic,
  random: Math.random,
});
const classes = [{ name: 'python', spec, engines: ['http://127.0.0.1:1'], students }];
loadStaticFile(parseStaticFile(JSON.stringify({ classes })), directory, engines, 0);
const settings = tokenSettingsSchema.parse({
  issuer: 'issuer',
  audience: 'gateway',
  publicKeyFile: 'as below',
  classroom: 'static/python',
});
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const signIn = createSignIn({
  directory,
  clock: systemClock,
  isSynced: () => true,
  tokens: createTokenVerifier({ settings, keys: publicKeysOf(pem), clock: systemClock }),
  failedAttempts: createFailedAttempts({ perMinute: 60, clock: systemClock }),
  clientAddress: createClientAddress([]),
});
const tokens = await Promise.all(
  Array.from({ length: FRESH_TOKENS + WARM_UP }, (_, student) => tokenOf(student % STUDENTS)),
);

await measure('a key', REQUESTS, keys);
await measure('an RS256 token seen for the first time', FRESH_TOKENS, tokens);
await measure('a token seen before', REQUESTS, tokens);

function keyNumber(student: number): string {
  const bytes = Buffer.alloc(API_KEY_RANDOM_BYTES);
  bytes.writeUInt32BE(student);
  return generateApiKey(bytes);
}

function tokenOf(student: number): Promise<string> {
  const exp = Math.floor(systemClock.now() / 1000) + 3_600;
  return new SignJWT({ iss: 'issuer', aud: 'gateway', sub: `student-${student}`, exp })
    .setProtectedHeader({ alg: 'RS256' })
    .sign(privateKey);
}

async function ask(secret: string): Promise<void> {
  const signedIn = signIn({
    headers: { authorization: `Bearer ${secret}` },
    socket: { remoteAddress: '192.0.2.1' },
  });
  const decision = signedIn instanceof Promise ? await signedIn : signedIn;
  if (!decision.ok) throw new Error(decision.refusal.message);
}

async function measure(what: string, requests: number, secrets: readonly string[]): Promise<void> {
  const at = (index: number): string => secrets[index % secrets.length] ?? '';
  for (let index = 0; index < WARM_UP; index++) await ask(at(requests + index));
  const before = process.cpuUsage();
  for (let index = 0; index < requests; index++) await ask(at(index));
  const { user, system } = process.cpuUsage(before);
  console.log(`${what}: ${((user + system) / requests).toFixed(1)} µs`);
}
