import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { createTokenVerifier } from '../../../../src/gateway/identity/jwt.ts';
import type { SignIn } from '../../../../src/gateway/identity/sign-in.ts';
import {
  createRemoteKeys,
  KeyFileError,
  publicKeysOf,
  secretKeyOf,
  type TokenKeys,
} from '../../../../src/gateway/identity/token-keys.ts';
import { tokenSettingsSchema } from '../../../../src/gateway/identity/token-settings.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { aClassroom, aDirectory, aSeat, CLASS_KEY } from '../builders.ts';
import { recordingLogger } from '../recording-logger.ts';
import { aSignIn, requestWith } from './sign-ins.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:00Z');
const NOW_S = NOW_MS / 1000;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA_PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const SECRET = 'a secret that issuer and gateway share, long enough';

const WELL: JWTPayload = {
  iss: 'https://login.example.org',
  aud: 'gpu-classroom',
  sub: 'alice',
  exp: NOW_S + 300,
};
const SETTINGS = {
  issuer: 'https://login.example.org',
  audience: 'gpu-classroom',
  publicKeyFile: 'key.pem',
  classroom: CLASS_KEY,
};

interface TokenOptions {
  readonly key?: KeyObject | Uint8Array;
  readonly alg?: string;
  readonly kid?: string;
}

function tokenOf(claims: object, { key = rsa.privateKey, alg = 'RS256', kid }: TokenOptions = {}) {
  return new SignJWT({ ...WELL, ...claims })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .sign(key);
}

interface SignInWithTokens {
  readonly settings?: object;
  readonly keys?: TokenKeys;
  readonly clock?: FakeClock;
  readonly seat?: ReturnType<typeof aSeat>;
}

function signInWith({
  settings,
  keys,
  seat,
  clock = createFakeClock(NOW_MS),
}: SignInWithTokens = {}): SignIn {
  const directory = aDirectory();
  directory.putClassroom(aClassroom());
  directory.putSeat(seat ?? aSeat());
  const tokens = createTokenVerifier({
    settings: tokenSettingsSchema.parse({ ...SETTINGS, ...settings }),
    keys: keys ?? publicKeysOf(RSA_PEM),
    clock,
  });
  return aSignIn({ directory, tokens, clock });
}

/** `accepted`, or the code and the message. */
async function outcome(signIn: SignIn, token: string): Promise<{ code: string; message: string }> {
  const decision = await signIn(requestWith(`Bearer ${token}`));
  return decision.ok ? { code: 'accepted', message: '' } : decision.refusal;
}

const without = (claim: string) => ({ [claim]: undefined });

describe('a token', () => {
  test.each<[string, string, object]>([
    ['of a student of the class', 'accepted', {}],
    ['whose audience is one of several', 'accepted', { aud: ['other', 'gpu-classroom'] }],
    ['that ended within the clock tolerance', 'accepted', { exp: NOW_S - 29 }],
    ['that ended', 'expired_token', { exp: NOW_S - 30 }],
    ['that never ends', 'malformed_token', without('exp')],
    ['that begins within the tolerance', 'accepted', { nbf: NOW_S + 30 }],
    ['that begins later', 'token_not_yet_valid', { nbf: NOW_S + 31 }],
    ['of another issuer', 'wrong_token_issuer', { iss: 'https://evil.example' }],
    ['without an issuer', 'malformed_token', without('iss')],
    ['for another audience', 'wrong_token_audience', { aud: 'mail' }],
    ['for nobody', 'malformed_token', without('aud')],
    ['of nobody', 'malformed_token', without('sub')],
    ['whose student is a number', 'malformed_token', { sub: 7 }],
    ['whose student has no seat', 'unknown_student', { sub: 'mallory' }],
    ['whose student is a word of JavaScript', 'unknown_student', { sub: '__proto__' }],
  ])('%s: %s', async (_, want, claims) => {
    const { code, message } = await outcome(signInWith(), await tokenOf(claims));
    expect(code).toBe(want);
    expect(message).not.toMatch(/login\.example|evil|RS256/);
  });

  test('of a suspended student is told so', async () => {
    const signIn = signInWith({ seat: aSeat({ suspended: true }) });
    expect((await outcome(signIn, await tokenOf({}))).code).toBe('seat_suspended');
  });

  test('of an unknown student names class, claim, value and whom to ask', async () => {
    const { message } = await outcome(signInWith(), await tokenOf({ sub: 'zoe\n<script>' }));
    expect(message).toBe(
      'Nobody in class python-101 is called "zoe??script?", as the claim "sub" of your token says. Ask Ms Chen, room 214 to give you a seat under exactly this name.',
    );
    const long = await outcome(signInWith(), await tokenOf({ sub: 'z'.repeat(200) }));
    expect(long.message).toContain(`"${'z'.repeat(64)}…"`);
  });

  test('may name its student and class in other claims', async () => {
    const settings = { classroom: undefined, classroomClaim: 'class', studentClaim: 'email' };
    const signIn = signInWith({ settings });
    const claims = { sub: 'x', email: 'alice', class: CLASS_KEY };
    expect((await outcome(signIn, await tokenOf(claims))).code).toBe('accepted');
    expect((await outcome(signIn, await tokenOf({ ...claims, class: 'school/other' }))).code).toBe(
      'unknown_student',
    );
    for (const named of [undefined, 'other', `${CLASS_KEY} alice`]) {
      const { code } = await outcome(signIn, await tokenOf({ ...claims, class: named }));
      expect(code).toBe('malformed_token');
    }
  });

  test('is a malformed key where no issuer is configured', async () => {
    expect((await outcome(aSignIn(), await tokenOf({}))).code).toBe('malformed_api_key');
  });
});

describe('a forged token', () => {
  const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

  test.each<[string, () => Promise<string>]>([
    ['signed by somebody else', () => tokenOf({}, { key: stranger.privateKey })],
    [
      'signed with the public key as a secret',
      () => tokenOf({}, { key: Buffer.from(RSA_PEM), alg: 'HS256' }),
    ],
    ['of another kind of key', () => tokenOf({}, { key: ec.privateKey, alg: 'ES256' })],
    ['without a signature', async () => new UnsecuredJWT(WELL).encode()],
    [
      'that says its algorithm is none',
      async () => `${encoded({ alg: 'none' })}.${encoded(WELL)}.${encoded({})}`,
    ],
    [
      'whose claims were changed',
      async () => {
        const [head, , signature] = (await tokenOf({})).split('.');
        return `${head}.${encoded({ ...WELL, sub: 'bob' })}.${signature}`;
      },
    ],
    [
      'that brings its own key',
      () =>
        new SignJWT({ ...WELL })
          .setProtectedHeader({
            alg: 'RS256',
            jwk: stranger.publicKey.export({ format: 'jwk' }),
            jku: 'https://evil.example/',
          })
          .sign(stranger.privateKey),
    ],
    [
      'that asks for something nobody understands',
      () =>
        new SignJWT({ ...WELL })
          .setProtectedHeader({ alg: 'RS256', crit: ['http://x'], 'http://x': true })
          .sign(rsa.privateKey, { crit: { 'http://x': true } }),
    ],
    ['that is no JSON', async () => 'eyJhbGciOi.eyJ.x'],
  ])('%s is refused', async (_, forge) => {
    const { code } = await outcome(signInWith(), await forge());
    expect(['invalid_token', 'malformed_token']).toContain(code);
  });

  test('is refused where only other algorithms are allowed', async () => {
    const signIn = signInWith({ settings: { algorithms: ['PS256'] } });
    expect((await outcome(signIn, await tokenOf({}))).code).toBe('invalid_token');
  });
});

describe('a shared secret', () => {
  const settings = { publicKeyFile: undefined, secretFile: 'secret' };

  test('verifies HS256 and nothing else', async () => {
    const signIn = signInWith({ settings, keys: secretKeyOf(SECRET) });
    const key = Buffer.from(SECRET);
    expect((await outcome(signIn, await tokenOf({}, { key, alg: 'HS256' }))).code).toBe('accepted');
    expect((await outcome(signIn, await tokenOf({}, { key, alg: 'HS384' }))).code).toBe('invalid_token');
    expect((await outcome(signIn, await tokenOf({}))).code).toBe('invalid_token');
  });

  test('that is short is refused', () => {
    expect(() => secretKeyOf('guess me')).toThrow(/8 bytes, but at least 32/);
  });
});

describe('a key file', () => {
  const jwk = rsa.publicKey.export({ format: 'jwk' });
  test.each<[string, string]>([
    ['PEM', RSA_PEM],
    ['JWK', JSON.stringify(jwk)],
    ['JWKS', JSON.stringify({ keys: [jwk] })],
    [
      'JWKS of several keys without ids',
      JSON.stringify({ keys: [stranger.publicKey.export({ format: 'jwk' }), jwk] }),
    ],
  ])('may be %s', async (_, text) => {
    expect((await outcome(signInWith({ keys: publicKeysOf(text) }), await tokenOf({}))).code).toBe(
      'accepted',
    );
  });

  test.each<[string, string]>([
    ['PEM', RSA_PEM],
    ['JWK', JSON.stringify(jwk)],
  ])('that is a %s without a key id fits a token with one', async (_, text) => {
    const token = await tokenOf({}, { kid: 'any' });
    expect((await outcome(signInWith({ keys: publicKeysOf(text) }), token)).code).toBe('accepted');
  });

  test.each<[string, string]>([
    ['a private PEM', rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['a private JWK', JSON.stringify(rsa.privateKey.export({ format: 'jwk' }))],
    ['a secret as JWK', JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' })],
    ['nothing', ''],
    ['no key', '{"keys": []}'],
  ])('may not be %s', (_, text) => {
    expect(() => publicKeysOf(text)).toThrow(KeyFileError);
  });
});

describe("the issuer's key server", () => {
  const published = (kid: string, key: KeyObject) => ({
    ...key.export({ format: 'jwk' }),
    kid,
    alg: 'RS256',
  });
  let clock: FakeClock;
  let set: unknown;
  let reads: number;
  let signIn: SignIn;

  beforeEach(() => {
    clock = createFakeClock(NOW_MS);
    set = { keys: [published('one', rsa.publicKey)] };
    reads = 0;
    const keys = createRemoteKeys({
      fetchKeys: async () => {
        reads += 1;
        if (set === 'down') throw new Error('connection refused');
        return set;
      },
      clock,
      log: recordingLogger([]),
    });
    signIn = signInWith({
      settings: { publicKeyFile: undefined, jwksUrl: 'https://x.example/' },
      keys,
      clock,
    });
  });

  const one = (claims: object = {}) => tokenOf({ exp: NOW_S + 7200, ...claims }, { kid: 'one' });
  const two = () => tokenOf({ exp: NOW_S + 7200 }, { kid: 'two', key: stranger.privateKey });

  test('is asked once for many tokens', async () => {
    const tokens = await Promise.all([1, 2, 3].map((jti) => one({ jti: String(jti) })));
    const outcomes = await Promise.all(tokens.map((token) => outcome(signIn, token)));
    expect(outcomes.map(({ code }) => code)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(reads).toBe(1);
  });

  test('is asked again for a new key, but not more than once in half a minute', async () => {
    await outcome(signIn, await one());
    set = { keys: [published('two', stranger.publicKey)] };
    expect((await outcome(signIn, await two())).code).toBe('invalid_token');
    expect(reads).toBe(1);
    await clock.advance(30_000);
    expect((await outcome(signIn, await two())).code).toBe('accepted');
    expect(reads).toBe(2);
  });

  test('may be down: known keys go on working', async () => {
    await outcome(signIn, await one());
    set = 'down';
    await clock.advance(3_600_000);
    expect((await outcome(signIn, await one({ jti: 'new' }))).code).toBe('accepted');
    expect(reads).toBe(2);
  });

  test('is down from the start: the refusal says that a key still works', async () => {
    set = 'down';
    const { code, message } = await outcome(signIn, await one());
    expect(code).toBe('token_keys_unavailable');
    expect(message).toContain('gpc_');
  });

  test('withdraws a key: a token that was verified before stops within ten minutes and the next read', async () => {
    const token = await one();
    await outcome(signIn, token);
    set = { keys: [published('two', stranger.publicKey)] };
    await clock.advance(600_000);
    // This one makes the gateway read the set, without waiting for it.
    await outcome(signIn, token);
    await clock.advance(600_000);
    expect((await outcome(signIn, token)).code).toBe('invalid_token');
  });
});

describe('a token that was verified before', () => {
  test('costs no second verification, and stops when it ends', async () => {
    const clock = createFakeClock(NOW_MS);
    let asked = 0;
    const keys = publicKeysOf(RSA_PEM);
    const signIn = signInWith({
      clock,
      keys: (...given) => {
        asked += 1;
        return keys(...given);
      },
    });
    const token = await tokenOf({ exp: NOW_S + 60 });
    await outcome(signIn, token);
    const second = signIn(requestWith(`Bearer ${token}`));
    expect(second).not.toBeInstanceOf(Promise);
    expect(asked).toBe(1);
    await clock.advance(90_000);
    expect((await outcome(signIn, token)).code).toBe('expired_token');
  });
});

describe('the settings', () => {
  test.each<[string, object, RegExp]>([
    ['two sources of keys', { jwksUrl: 'https://x.example/' }, /exactly one of/],
    ['no source of keys', { publicKeyFile: undefined }, /exactly one of/],
    ['no class', { classroom: undefined }, /either "classroom" or "classroomClaim"/],
    ['a class without namespace', { classroom: 'python-101' }, /namespace\/name/],
    [
      'a secret algorithm with a public key',
      { algorithms: ['RS256', 'HS256'] },
      /with a public key can only be/,
    ],
    ['the algorithm none', { algorithms: ['none'] }, /Invalid/],
    ['keys over plain http', { publicKeyFile: undefined, jwksUrl: 'http://x.example/' }, /must be https/],
    ['a field nobody knows', { isuer: 'x' }, /isuer/],
  ])('%s is refused', (_, differs, want) => {
    const parsed = tokenSettingsSchema.safeParse({ ...SETTINGS, ...differs });
    expect(parsed.error?.issues.map(({ message }) => message).join()).toMatch(want);
  });

  test.each(['http://localhost:8080/certs', 'http://keycloak.auth.svc/certs', 'https://x.example/certs'])(
    '%s may serve the keys',
    (jwksUrl) => {
      const parsed = tokenSettingsSchema.safeParse({ ...SETTINGS, publicKeyFile: undefined, jwksUrl });
      expect(parsed.error).toBeUndefined();
    },
  );
});
