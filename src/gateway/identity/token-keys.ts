import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import { z } from 'zod';
import type { Clock } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';

/** Finds the key that a token must be signed with. Rejects with an error of `jose`, or {@link KeysUnavailable}. */
export type TokenKeys = (
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
) => Promise<CryptoKey | Uint8Array>;

/** The issuer's keys cannot be had now. */
export class KeysUnavailable extends Error {}

/** A key file that cannot be used, in words for the one who wrote the configuration. */
export class KeyFileError extends Error {}

/** NIST SP 800-107 §5.3.4: a shorter secret is weaker than HMAC-SHA-256 itself. */
const MIN_SECRET_BYTES = 32;

const jwksSchema = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });
const jwkSchema = z.looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']) });

/**
 * One public key, or a set of them, from the text of a file.
 *
 * @throws KeyFileError
 */
export function publicKeysOf(text: string): TokenKeys {
  if (text.includes('PRIVATE KEY')) {
    throw new KeyFileError('holds a private key: the gateway needs, and must have, only the public one');
  }
  try {
    if (!text.trimStart().startsWith('{')) return onlyKey(publicJwk(createPublicKey(text)));
    const json: unknown = JSON.parse(text);
    const set = jwksSchema.safeParse(json);
    const { keys } = set.success ? set.data : { keys: [jwkSchema.parse(json)] };
    if (keys.some((key) => 'd' in key)) throw new KeyFileError('holds a private key: take the public one');
    return set.success ? localKeys(set.data) : onlyKey(jwkSchema.parse(json));
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError('holds no public key as PEM, JWK or JWKS');
  }
}

/** A key that has no id of its own fits whatever id a token names. */
function onlyKey(jwk: JWK): TokenKeys {
  const keys = localKeys({ keys: [jwk] });
  return jwk.kid === undefined ? ({ kid: _, ...header }, token) => keys(header, token) : keys;
}

function publicJwk(key: KeyObject): JWK {
  return jwkSchema.parse(key.export({ format: 'jwk' }));
}

/**
 * The secret that issuer and gateway share, for HS256 and the like.
 *
 * @throws KeyFileError
 */
export function secretKeyOf(text: string): TokenKeys {
  const secret = Buffer.from(text.trim(), 'utf8');
  if (secret.length < MIN_SECRET_BYTES) {
    throw new KeyFileError(`holds ${secret.length} bytes, but at least ${MIN_SECRET_BYTES} are needed`);
  }
  return async () => secret;
}

export interface RemoteKeysOptions {
  /** Reads the issuer's JWKS; rejects when it cannot. */
  readonly fetchKeys: () => Promise<unknown>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Logger;
}

/** After this the set is read anew, behind the requests' backs: so long can a withdrawn key still count. */
const REFRESH_MS = 10 * 60_000;
/** Between two attempts: tokens with invented key ids must not become load for the issuer. */
const COOLDOWN_MS = 30_000;

/**
 * Keys of an issuer's JWKS URL, read at the first token. A key id that nobody knows makes it read again, at most once
 * in half a minute; while the issuer is down, the keys that were read last go on working.
 */
export function createRemoteKeys({ fetchKeys, clock, log }: RemoteKeysOptions): TokenKeys {
  let keys: TokenKeys | undefined;
  let readMs = Number.NEGATIVE_INFINITY;
  let triedMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    triedMs = clock.monotonic();
    try {
      keys = localKeys(jwksSchema.parse(await fetchKeys()));
      readMs = clock.monotonic();
    } catch (error) {
      log.warn(describeError(error), "The issuer's keys for tokens could not be read");
    }
  };
  /** Undefined: not now. */
  const refresh = (): Promise<void> | undefined => {
    if (reading === undefined && clock.monotonic() - triedMs >= COOLDOWN_MS) {
      reading = read().finally(() => {
        reading = undefined;
      });
    }
    return reading;
  };

  return async (header, token) => {
    if (keys === undefined) await refresh();
    else if (clock.monotonic() - readMs >= REFRESH_MS) void refresh();
    if (keys === undefined) throw new KeysUnavailable();
    try {
      return await keys(header, token);
    } catch (error) {
      const refreshing = error instanceof errors.JWKSNoMatchingKey ? refresh() : undefined;
      if (refreshing === undefined) throw error;
      await refreshing;
      return keys(header, token);
    }
  };
}

/** Finds the key whose kind and id fit a token's header; so a key can never serve an algorithm of another kind. */
function localKeys(set: JSONWebKeySet): TokenKeys {
  return createLocalJWKSet(set);
}
