import type { Seat } from '../../../src/gateway/identity/seat.ts';
import type { EngineTimeBook } from '../../../src/gateway/ledger/engine-time.ts';
import type { ReportReader } from '../../../src/gateway/ledger/report-reader.ts';
import type { UsageReader } from '../../../src/gateway/ledger/usage-reader.ts';
import type { Admission, Lease, RequestCost } from '../../../src/gateway/limits/admission.ts';
import type { Settlement } from '../../../src/gateway/limits/settlement.ts';
import { type ClassStore, createClassStore } from '../../../src/gateway/valkey/class-store.ts';
import type { ValkeyConnection } from '../../../src/gateway/valkey/connection.ts';
import { keyspaceOf } from '../../../src/gateway/valkey/keys.ts';
import { createValkeyReports } from '../../../src/gateway/valkey/report-reader.ts';
import { admissionScripts } from '../../../src/gateway/valkey/scripts/admission.ts';
import { createValkeyUsageReader } from '../../../src/gateway/valkey/usage-reader.ts';
import { createValkeyAdmission, type ValkeyAdmission } from '../../../src/gateway/valkey/valkey-admission.ts';
import { silentLogger } from '../../../src/kube/log.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { connectTo, HELD_TIME, HELD_TIME_KEY, type ValkeyServer } from '../../support/valkey.ts';
import { aClassroom, aClassroomLimiting, alice } from '../../unit/gateway/builders.ts';

/** Noon in Shanghai, where the class is. */
export const NOON_MS = Date.parse('2026-11-23T04:00:00Z');
export const LEASE_MS = 60_000;
export const GRACE_MS = 30_000;

/** One gateway's part in the limits, with a connection of its own. */
export interface Replica extends AsyncDisposable {
  readonly admission: ValkeyAdmission;
  readonly store: ClassStore;
  readonly usage: UsageReader;
  readonly reports: ReportReader & EngineTimeBook;
  readonly connection: ValkeyConnection;
  /** Of the process; the server has its own time. */
  readonly clock: FakeClock;
}

export interface ReplicaDiffers {
  readonly name?: string;
  readonly replicas?: number;
  readonly graceMs?: number;
  readonly maxUnbooked?: number;
  /** Lua; what the server's own clock says, unless a test holds it. */
  readonly time?: string;
}

/** A replica that is connected. */
export async function aReplica(valkey: ValkeyServer, differs: ReplicaDiffers = {}): Promise<Replica> {
  const { name = 'a', replicas = 2, graceMs = GRACE_MS, maxUnbooked = 100, time = HELD_TIME } = differs;
  const keys = keyspaceOf('test:');
  const connection = await connectTo(valkey, keys.probe);
  const scripts = admissionScripts(time);
  const clock = createFakeClock(NOON_MS);
  const store = createClassStore({ connection, keys, scripts, now: clock.now });
  let leases = 0;
  const admission = createValkeyAdmission({
    store,
    connection,
    replicas: () => replicas,
    graceMs,
    leaseMs: LEASE_MS,
    maxUnbooked,
    newLeaseId: () => `${name}-${leases++}`,
    clock,
    log: silentLogger,
  });
  const usage = createValkeyUsageReader({ connection, keys, scripts });
  const reports = createValkeyReports({ connection, keys, scripts });
  return {
    admission,
    store,
    usage,
    reports,
    connection,
    clock,
    async [Symbol.asyncDispose]() {
      await admission.stop();
      connection.close();
    },
  };
}

/** Holds the server's time still, for scripts that tell the held one. */
export async function holdServerTime(valkey: ValkeyServer, nowMs: number): Promise<void> {
  await valkey.command('SET', HELD_TIME_KEY, String(nowMs));
}

type StudentLimits = Seat['limits'];

/** Alice, whom nothing limits but what the test states. */
export function aliceLimitedTo(limits: Partial<StudentLimits>, classroom: object = {}): Seat {
  const loose = { requestsPerMinute: 10_000, tokensPerMinute: 100_000_000, concurrentRequests: 10_000 };
  const record = aClassroomLimiting({ ...loose, ...limits });
  return alice(aClassroom({ limits: { perStudent: record.limits.perStudent, classroom } }));
}

/** A request with a prompt of `prompt` tokens, of which half are expected, and so much output. */
export function aCost(prompt = 10, output = 20): RequestCost {
  const expectedPromptTokens = Math.floor(prompt / 2);
  return { model: 'qwen', promptTokens: prompt, expectedPromptTokens, outputTokens: output, answers: 1 };
}

/** A complete answer with so much usage. */
export function completed(promptTokens = 5, completionTokens = 7): Settlement {
  return {
    outcome: 'completed',
    usage: { promptTokens, completionTokens, cachedTokens: 2 },
    model: 'qwen',
    queueWaitMs: 3,
    firstTokenMs: 20,
  };
}

/** @throws Error the request was refused */
export async function admitted(admission: Admission, seat: Seat, cost = aCost()): Promise<Lease> {
  const answer = await admission.admit(seat, cost);
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.lease;
}

/** `admitted`, or the code of the refusal. */
export async function outcomeOf(admission: Admission, seat: Seat, cost = aCost()): Promise<string> {
  const answer = await admission.admit(seat, cost);
  return answer.ok ? 'admitted' : answer.refusal.code;
}

/** What is left of a limit. */
export async function remaining(admission: Admission, seat: Seat, name: string): Promise<number | undefined> {
  return (await admission.limitsOf(seat)).find((state) => state.name === name)?.remaining;
}
