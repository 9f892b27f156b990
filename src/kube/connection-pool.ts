import { Pool } from 'undici';
import type { CredentialMaterial } from './credentials.ts';

/**
 * The keep-alive pool to one API server. It is rebuilt when the CA or the client certificate changes, and only then:
 * a pool per request costs a TLS handshake per request.
 */
export interface ConnectionPool {
  /** The pool for these credentials. Requests in flight on a replaced pool end in peace. */
  for(material: CredentialMaterial): Pool;
  /** Aborts what is in flight. */
  close(): Promise<void>;
}

/**
 * Idle connections are kept for less than the 90 s after which Go's server closes them
 * (`IdleTimeout` in https://github.com/kubernetes/apiserver/blob/master/pkg/server/secure_serving.go).
 */
const keepAliveMs = 60_000;

/** Each watch holds one; what asks for more at once waits for its turn instead of opening thousands. */
const maxConnections = 100;

/** @param origin scheme, host and port */
export function createConnectionPool(origin: string): ConnectionPool {
  let current: { pool: Pool; material: CredentialMaterial } | undefined;
  /** Replaced, but with requests in flight: a watch may hold one for minutes. */
  const retiring = new Set<Pool>();
  const retire = (pool: Pool): void => {
    retiring.add(pool);
    const done = (): void => void retiring.delete(pool);
    pool.close().then(done, done);
  };
  return {
    for(material) {
      if (current === undefined || !isSameIdentity(current.material, material)) {
        if (current !== undefined) retire(current.pool);
        current = { pool: openPool(origin, material), material };
      }
      return current.pool;
    },
    async close() {
      const pools = current === undefined ? [...retiring] : [...retiring, current.pool];
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}

function openPool(origin: string, material: CredentialMaterial): Pool {
  return new Pool(origin, {
    // One watch holds one HTTP/1.1 connection; HTTP/2 would put them all behind one flow-control window.
    allowH2: false,
    pipelining: 1,
    connections: maxConnections,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    // Deadlines are the caller's, on an injected clock; a quiet watch is no fault.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      ...(material.ca === undefined ? {} : { ca: material.ca }),
      ...(material.cert === undefined ? {} : { cert: material.cert }),
      ...(material.key === undefined ? {} : { key: material.key }),
      ...(material.serverName === undefined ? {} : { servername: material.serverName }),
      rejectUnauthorized: material.insecureSkipVerify !== true,
    },
  });
}

/** Whether connections opened with `a` do for `b`: all that counts in a TLS handshake is the same. Asked for each request. */
function isSameIdentity(a: CredentialMaterial, b: CredentialMaterial): boolean {
  return (
    isSameText(a.ca, b.ca) &&
    isSameText(a.cert, b.cert) &&
    isSameText(a.key, b.key) &&
    a.serverName === b.serverName &&
    (a.insecureSkipVerify === true) === (b.insecureSkipVerify === true)
  );
}

function isSameText(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  return Buffer.from(a).equals(Buffer.from(b));
}
