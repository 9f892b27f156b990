import { afterAll, beforeAll } from '@jest/globals';
import { createClassStore } from '../../../src/gateway/valkey/class-store.ts';
import type { ValkeyConnection } from '../../../src/gateway/valkey/connection.ts';
import { keyspaceOf } from '../../../src/gateway/valkey/keys.ts';
import { admissionScripts } from '../../../src/gateway/valkey/scripts/admission.ts';
import { createValkeyAdmission } from '../../../src/gateway/valkey/valkey-admission.ts';
import { silentLogger } from '../../../src/kube/log.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { connectTo, HELD_TIME, HELD_TIME_KEY, startValkey, type ValkeyServer } from '../../support/valkey.ts';
import { describeAdmission, type StartAdmission } from '../../unit/gateway/limits/admission-contract.ts';

const KEYS = keyspaceOf('test:');

let valkey: ValkeyServer;
let connection: ValkeyConnection;

beforeAll(async () => {
  valkey = await startValkey(['--appendonly', 'no']);
  connection = await connectTo(valkey, KEYS.probe);
});
afterAll(async () => {
  connection.close();
  await valkey[Symbol.asyncDispose]();
});

/** Leases last longer than a sequence: their expiry has its own tests. */
const LEASE_MS = 1_000 * 24 * 3_600_000;

const start: StartAdmission = async (startMs) => {
  await connection.command('FLUSHALL');
  const clock = createFakeClock(startMs);
  const holdTime = () => connection.command('SET', HELD_TIME_KEY, String(clock.now()));
  await holdTime();
  let leases = 0;
  const admission = createValkeyAdmission({
    store: createClassStore({
      connection,
      keys: KEYS,
      scripts: admissionScripts(HELD_TIME),
      now: clock.now,
    }),
    connection,
    replicas: () => 1,
    graceMs: 60_000,
    leaseMs: LEASE_MS,
    maxUnbooked: 1_000,
    newLeaseId: () => `lease-${leases++}`,
    clock,
    log: silentLogger,
  });
  return {
    admission,
    async advance(ms) {
      clock.jump(ms);
      await holdTime();
    },
    async close() {},
  };
};

describeAdmission('Valkey', start);
