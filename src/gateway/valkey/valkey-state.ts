import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/log.ts';
import type { GatewayState, StateHealth } from '../state.ts';
import { createClassStore } from './class-store.ts';
import { connectValkey } from './connection.ts';
import { keyspaceOf } from './keys.ts';
import { createReplicaBoard } from './replica-board.ts';
import { createValkeyReports } from './report-reader.ts';
import { admissionScripts } from './scripts/admission.ts';
import { SERVER_TIME } from './scripts/time.ts';
import { createServiceExchange } from './service-exchange.ts';
import { createValkeyUsageReader } from './usage-reader.ts';
import { createValkeyAdmission, type ValkeyAdmission } from './valkey-admission.ts';

export interface ValkeyStateOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** Instead of the URL's. */
  readonly password: string | undefined;
  /** PEM; undefined: what Node trusts. */
  readonly ca: string | undefined;
  /** Before the names of all keys. */
  readonly prefix: string;
  /** For a connection, and for the answer to a command. */
  readonly timeoutMs: number;
  /** How long requests are admitted without the store. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly log: Logger;
}

/** After which the requests of a gateway that died are booked, and their places are free. */
const LEASE_MS = 30_000;
/** How often replicas hear of each other, and after which silence one counts as gone. */
const EXCHANGE_MS = 250;
const PEER_TTL_MS = 3_000;
/** A settlement is some 500 bytes. */
const MAX_UNBOOKED = 20_000;

/**
 * State that several gateways share. It need not be there at the start: until it is, nothing is admitted.
 */
export function openValkeyState(options: ValkeyStateOptions): GatewayState {
  const { clock, log, timeoutMs, graceMs, newId } = options;
  const keys = keyspaceOf(options.prefix);
  const connection = connectValkey({
    ...options,
    connectTimeoutMs: timeoutMs,
    commandTimeoutMs: timeoutMs,
    probeKey: keys.probe,
  });
  const replicaId = newId();
  const board = createReplicaBoard({ connection, replicaId, ttlMs: PEER_TTL_MS, time: SERVER_TIME });
  const exchange = createServiceExchange({ board, keys, replicaId, intervalMs: EXCHANGE_MS, clock, log });
  const scripts = admissionScripts(SERVER_TIME);
  const admission = createValkeyAdmission({
    store: createClassStore({ connection, keys, scripts, now: clock.now }),
    connection,
    replicas: () => exchange.replicas,
    graceMs,
    leaseMs: LEASE_MS,
    maxUnbooked: MAX_UNBOOKED,
    newLeaseId: newId,
    clock,
    log,
  });
  admission.start();
  exchange.start();
  return {
    admission,
    usage: createValkeyUsageReader({ connection, keys, scripts }),
    reports: createValkeyReports({ connection, keys, scripts }),
    peers: exchange.peers,
    health: () => healthOf(admission),
    figures: () => ({
      isUp: admission.state === 'up',
      degradedRequests: admission.degradedRequests,
      unbooked: admission.unbooked,
      replicas: exchange.replicas,
    }),
    async close() {
      await exchange.stop();
      await admission.stop();
      connection.close();
    },
  };
}

function healthOf({ state, unbooked }: ValkeyAdmission): StateHealth {
  const waiting = unbooked === 0 ? '' : `; ${unbooked} requests are not booked yet`;
  switch (state) {
    case 'up':
      return { ok: true, trouble: undefined };
    case 'degraded':
      return { ok: true, trouble: `degraded: limits are counted without the state store${waiting}` };
    case 'down':
      return { ok: false, trouble: `the state store cannot be used, so nothing is admitted${waiting}` };
  }
}
