import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { LABELS } from '../../../src/api/labels.ts';
import {
  type StudentQuota,
  type StudentQuotaSpecInput,
  studentQuotas,
} from '../../../src/api/student-quota.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../../src/kube/object.ts';
import { type Event, events, type Secret, secrets } from '../../../src/kube/resources.ts';
import { hashApiKey, parseApiKey } from '../../../src/student/api-key.ts';
import { currentKey } from '../../../src/student/key-record.ts';
import { apiKeyIn } from '../../../src/student/secret.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { runStudentController, STUDENT_BASE_URL } from '../../support/student-controller.ts';

let namespace: string;
let stop: AbortController;
let stopped: Promise<void>;

const { controlPlane, client } = await connectToControlPlane();

beforeEach(async () => {
  namespace = await controlPlane.createNamespace('seats');
  stop = new AbortController();
  stopped = runStudentController(namespace, client, stop.signal);
});

afterEach(async () => {
  stop.abort();
  await stopped;
});

async function makeClassroom(name = 'python-101'): Promise<void> {
  const model = { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'qwen' };
  const object = {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name, namespace },
    spec: { model },
  };
  await client.create<KubeObject>(classrooms, object);
}

async function makeSeat(name: string, spec: Partial<StudentQuotaSpecInput> = {}): Promise<void> {
  const full = { classroomRef: { name: 'python-101' }, student: { id: name }, ...spec };
  const object = {
    apiVersion: API_GROUP_VERSION,
    kind: 'StudentQuota',
    metadata: { name, namespace },
    spec: full,
  };
  await client.create<KubeObject>(studentQuotas, object);
}

async function read<T extends KubeObject>(resource: Resource<T>, name: string): Promise<T> {
  const object = await client.get(resource, { namespace, name });
  if (object === undefined) throw new Error(`no ${resource.kind} ${name}`);
  return object;
}

/** Waits until a condition of the seat has this reason. */
async function seatWith(name: string, type: string, reason: string): Promise<StudentQuota> {
  return eventually(`${type} of ${name} for ${reason}`, async () => {
    const quota = await read(studentQuotas, name);
    return findCondition(quota.status?.conditions, type)?.reason === reason && quota;
  });
}

const readySeat = (name: string): Promise<StudentQuota> => seatWith(name, 'Ready', 'Active');

async function secretOf(seat: string): Promise<Secret> {
  return read(secrets, `${seat}-api-key`);
}

function textOf(secret: Secret, key: string): string {
  return Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
}

async function patchSecret(seat: string, patch: Record<string, unknown>): Promise<void> {
  await client.mergePatch(secrets, { namespace, name: `${seat}-api-key` }, patch);
}

/** Waits until the status lists another key than this, and the Secret holds it. */
async function replacedKey(seat: string, before: string): Promise<{ quota: StudentQuota; apiKey: string }> {
  return eventually(`another key of ${seat}`, async () => {
    const quota = await read(studentQuotas, seat);
    const secret = await client.get(secrets, { namespace, name: `${seat}-api-key` });
    const apiKey = (secret && apiKeyIn(secret)) ?? '';
    const current = currentKey(quota.status?.keys ?? [])?.sha256;
    return current !== undefined && current !== before && hashApiKey(apiKey) === current && { quota, apiKey };
  });
}

/** Changes Alice's seat as somebody else than the operator. */
function patchSeat(patch: Record<string, unknown>, subresource?: 'status'): Promise<StudentQuota> {
  const options = subresource === undefined ? {} : { subresource };
  return client.mergePatch(studentQuotas, { namespace, name: 'alice' }, patch, options);
}

/** Waits until people were told this of the seat. */
async function eventAbout(seat: string, reason: string): Promise<Event> {
  return eventually(`the event ${reason}`, async () => {
    const { items } = await client.list(events, { namespace });
    return items.find((event) => event.reason === reason && event.regarding?.name === seat) ?? false;
  });
}

/** A seat that is ready, with its key. */
async function givenSeat(name = 'alice', spec: Partial<StudentQuotaSpecInput> = {}) {
  await makeClassroom();
  await makeSeat(name, spec);
  const quota = await readySeat(name);
  const apiKey = apiKeyIn(await secretOf(name)) ?? '';
  return { quota, apiKey, sha256: hashApiKey(apiKey) };
}

describe('a seat', () => {
  test('gets a Secret that an OpenAI client can use, and lists the hash of its key', async () => {
    const { quota, apiKey, sha256 } = await givenSeat();
    const secret = await secretOf('alice');
    expect(parseApiKey(apiKey)).toEqual({ ok: true });
    expect(quota.status).toMatchObject({ secretName: 'alice-api-key', keys: [{ generation: 1, sha256 }] });
    expect(secret.type).toBe('Opaque');
    expect(textOf(secret, 'OPENAI_BASE_URL')).toBe(STUDENT_BASE_URL);
    expect(textOf(secret, 'OPENAI_MODEL')).toBe('qwen');
    expect(secret.metadata.ownerReferences).toMatchObject([
      { kind: 'StudentQuota', name: 'alice', controller: true },
    ]);
  });

  test('loses its Secret when it is deleted', async () => {
    await givenSeat();
    await client.delete(studentQuotas, { namespace, name: 'alice' });
    await eventually('the Secret is gone', async () => {
      return (await client.get(secrets, { namespace, name: 'alice-api-key' })) === undefined;
    });
  });

  test('gets another key when it is deleted and made again', async () => {
    const { sha256 } = await givenSeat();
    await client.delete(studentQuotas, { namespace, name: 'alice' });
    await makeSeat('alice');
    const { quota } = await replacedKey('alice', sha256);
    expect(quota.status?.keys).toHaveLength(1);
  });

  test('waits for its class and takes effect by itself once it is made', async () => {
    await makeSeat('alice');
    const waiting = await seatWith('alice', 'ClassroomFound', 'NotFound');
    expect(waiting.status?.keys).toEqual([]);
    await makeClassroom();
    expect((await readySeat('alice')).status?.keys).toHaveLength(1);
  });

  test('follows the served name of its class with the same key', async () => {
    const { apiKey } = await givenSeat();
    const patch = { spec: { model: { servedName: 'coder' } } };
    await client.mergePatch(classrooms, { namespace, name: 'python-101' }, patch);
    const secret = await eventually('the new name', async () => {
      const secret = await secretOf('alice');
      return textOf(secret, 'OPENAI_MODEL') === 'coder' && secret;
    });
    expect(apiKeyIn(secret)).toBe(apiKey);
  });

  test('that is suspended keeps its key and says that it does not hold', async () => {
    const { apiKey } = await givenSeat();
    await client.mergePatch(studentQuotas, { namespace, name: 'alice' }, { spec: { access: 'Suspended' } });
    const quota = await seatWith('alice', 'Ready', 'Suspended');
    expect(findCondition(quota.status?.conditions, 'Ready')?.status).toBe('False');
    expect(apiKeyIn(await secretOf('alice'))).toBe(apiKey);
  });

  test('of a student who has one already gets no key until the older one is gone', async () => {
    await makeClassroom();
    await makeSeat('alice-1', { student: { id: 'alice' } });
    await readySeat('alice-1');
    await makeSeat('alice-2', { student: { id: 'alice' } });
    const second = await seatWith('alice-2', 'KeyIssued', 'DuplicateStudent');
    expect(second.status?.keys).toEqual([]);
    expect(await client.get(secrets, { namespace, name: 'alice-2-api-key' })).toBeUndefined();
    await client.delete(studentQuotas, { namespace, name: 'alice-1' });
    await readySeat('alice-2');
  });

  test('that ends tells so at that time', async () => {
    const { sha256 } = await givenSeat();
    const expiresAt = new Date(Date.now() + 1000).toISOString();
    await client.mergePatch(studentQuotas, { namespace, name: 'alice' }, { spec: { expiresAt } });
    const quota = await seatWith('alice', 'Ready', 'Expired');
    expect(quota.status?.keys).toMatchObject([{ sha256 }]);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    await eventAbout('alice', 'SeatExpired');
  });

  test('whose budget is nearly used is told of once, also by an operator that begins anew', async () => {
    // Of the course: a day may end while this runs.
    await givenSeat('alice', { limits: { tokensTotal: 1000 } });
    const publish = (tokensTotal: number) => {
      const asOf = new Date().toISOString();
      const usage = { asOf, requestsToday: 1, tokensToday: tokensTotal, tokensTotal };
      return patchSeat({ status: { usage } }, 'status');
    };
    await publish(850);
    const warning = await eventAbout('alice', 'QuotaNearlyUsed');
    expect(warning).toMatchObject({ type: 'Warning' });
    expect(warning.note).toContain('alice has used 85 % of the tokens of the course: 850 of 1,000.');
    expect((await read(studentQuotas, 'alice')).status?.quotaWarnings).toMatchObject([
      { budget: 'Course', level: 'NearlyUsed', limit: 1000 },
    ]);
    stop.abort();
    await stopped;
    stop = new AbortController();
    stopped = runStudentController(namespace, client, stop.signal);
    await publish(900);
    await publish(1000);
    await eventAbout('alice', 'QuotaUsedUp');
    const told = (await client.list(events, { namespace })).items.filter(
      ({ reason }) => reason === 'QuotaNearlyUsed',
    );
    expect(told.map(({ deprecatedCount, series }) => series?.count ?? deprecatedCount ?? 1)).toEqual([1]);
  });

  test('is warned of its second budget in the order in which the next pass expects both', async () => {
    await givenSeat('alice', { limits: { tokensTotal: 1000 } });
    // A clock that is ahead: these are figures of today, also where the day ends while this runs.
    const asOf = new Date(Date.now() + 24 * 3_600_000).toISOString();
    const usage = { asOf, requestsToday: 1, tokensToday: 850, tokensTotal: 850 };
    await patchSeat({ status: { usage } }, 'status');
    const warned = async (wanted: number) => {
      const seat = await read(studentQuotas, 'alice');
      return seat.status?.quotaWarnings?.length === wanted && seat;
    };
    await eventually('the warning of the course', () => warned(1));
    await patchSeat({ spec: { limits: { tokensPerDay: 1000 } } });
    const seat = await eventually('the warning of the day', () => warned(2));
    // In another order than it was applied in, it would be applied again by every pass.
    expect(seat.status?.quotaWarnings?.map(({ budget }) => budget)).toEqual(['Day', 'Course']);
  });

  test('that has a boost tells its end, also where no operator ran then', async () => {
    await givenSeat();
    const boostUntil = (untilMs: number) =>
      patchSeat({ spec: { boost: { factor: 2, until: new Date(untilMs).toISOString() } } });
    await boostUntil(Date.now() + 3_600_000);
    await seatWith('alice', 'Boosted', 'BoostRunning');
    await eventAbout('alice', 'BoostStarted');
    stop.abort();
    await stopped;
    await boostUntil(Date.now());
    stop = new AbortController();
    stopped = runStudentController(namespace, client, stop.signal);
    await seatWith('alice', 'Boosted', 'BoostOver');
    await eventAbout('alice', 'BoostEnded');
  });
});

describe('a rotation', () => {
  test('makes a new key, and the old one goes on for the overlap', async () => {
    const { sha256 } = await givenSeat();
    const keyRotation = { generation: 2, overlapMinutes: 30 };
    await client.mergePatch(studentQuotas, { namespace, name: 'alice' }, { spec: { keyRotation } });
    const { quota } = await replacedKey('alice', sha256);
    expect(quota.status?.keys).toMatchObject([{ generation: 2 }, { generation: 1, sha256 }]);
    const ends = Date.parse(quota.status?.keys?.[1]?.expiresTime ?? '');
    expect(ends - Date.now()).toBeGreaterThan(29 * 60_000);
    expect(ends - Date.now()).toBeLessThanOrEqual(30 * 60_000 + 1000);
  });

  test('without overlap ends the old key', async () => {
    const { sha256 } = await givenSeat();
    const keyRotation = { generation: 2, overlapMinutes: 0 };
    await client.mergePatch(studentQuotas, { namespace, name: 'alice' }, { spec: { keyRotation } });
    const { quota } = await replacedKey('alice', sha256);
    expect(quota.status?.keys).toHaveLength(1);
  });

  test('may follow another at once', async () => {
    const { sha256 } = await givenSeat();
    for (const generation of [2, 3, 4]) {
      await client.mergePatch(
        studentQuotas,
        { namespace, name: 'alice' },
        { spec: { keyRotation: { generation } } },
      );
    }
    const quota = await eventually('generation 4', async () => {
      const quota = await read(studentQuotas, 'alice');
      return currentKey(quota.status?.keys ?? [])?.generation === 4 && quota;
    });
    expect(quota.status?.keys?.at(-1)).toMatchObject({ generation: 1, sha256 });
    expect(hashApiKey(apiKeyIn(await secretOf('alice')) ?? '')).toBe(quota.status?.keys?.[0]?.sha256);
  });
});

describe('in an exam', () => {
  const exam = { students: [], maxOutputTokens: 512 };
  const setAccess = (access: 'Open' | 'Exam') =>
    client.mergePatch(classrooms, { namespace, name: 'python-101' }, { spec: { access, exam } });
  const rotate = (generation: number, overlapMinutes: number) =>
    patchSeat({ spec: { keyRotation: { generation, overlapMinutes } } });

  test('a rotation waits until it is over; a revocation does not', async () => {
    const { sha256 } = await givenSeat();
    await setAccess('Exam');
    await rotate(2, 60);
    const waiting = await seatWith('alice', 'KeyIssued', 'RotationDeferred');
    expect(waiting.status?.keys).toMatchObject([{ generation: 1, sha256 }]);
    await eventAbout('alice', 'KeyRotationDeferred');
    await rotate(3, 0);
    const { quota, apiKey } = await replacedKey('alice', sha256);
    expect(quota.status?.keys).toHaveLength(1);
    await rotate(4, 60);
    await seatWith('alice', 'KeyIssued', 'RotationDeferred');
    await setAccess('Open');
    const rotated = await replacedKey('alice', hashApiKey(apiKey));
    expect(rotated.quota.status?.keys).toMatchObject([{ generation: 4 }, { sha256: hashApiKey(apiKey) }]);
  });

  test('the key of a deleted Secret works on beside the new one, until it is over', async () => {
    const { sha256 } = await givenSeat();
    await setAccess('Exam');
    const began = Date.now();
    await eventually('the next second', async () => Date.now() > began + 1000);
    await client.delete(secrets, { namespace, name: 'alice-api-key' });
    const { quota } = await replacedKey('alice', sha256);
    expect(quota.status?.keys).toMatchObject([{}, { sha256, expiresTime: expect.any(String) }]);
    await setAccess('Open');
    await eventually('the lost key is refused', async () => {
      return (await read(studentQuotas, 'alice')).status?.keys?.length === 1;
    });
  });
});

describe('a Secret edited by hand', () => {
  test.each<{ name: string; patch: Record<string, unknown> }>([
    { name: 'the base URL', patch: { data: { OPENAI_BASE_URL: 'eA==' } } },
    { name: 'the model', patch: { data: { OPENAI_MODEL: null } } },
    { name: 'the label by which we watch it', patch: { metadata: { labels: { [LABELS.managedBy]: null } } } },
    { name: 'all labels', patch: { metadata: { labels: null } } },
    { name: 'all annotations', patch: { metadata: { annotations: null } } },
    { name: 'its owner', patch: { metadata: { ownerReferences: null } } },
  ])('gets back $name and keeps its key', async ({ patch }) => {
    const { apiKey, quota } = await givenSeat();
    const original = await secretOf('alice');
    await patchSecret('alice', patch);
    const healed = await eventually('the Secret is as before', async () => {
      const { data, metadata } = await secretOf('alice');
      const { labels, annotations, ownerReferences } = original.metadata;
      const wanted = [original.data, labels, annotations?.['gpu-classroom.io/key-record'], ownerReferences];
      const found = [
        data,
        metadata.labels,
        metadata.annotations?.['gpu-classroom.io/key-record'],
        metadata.ownerReferences,
      ];
      return JSON.stringify(sorted(found)) === JSON.stringify(sorted(wanted)) && { data };
    });
    expect(Buffer.from(healed.data?.OPENAI_API_KEY ?? '', 'base64').toString()).toBe(apiKey);
    expect((await read(studentQuotas, 'alice')).status?.keys).toEqual(quota.status?.keys);
  });

  test.each<{ name: string; edit: () => Promise<unknown> }>([
    { name: 'is deleted', edit: () => client.delete(secrets, { namespace, name: 'alice-api-key' }) },
    { name: 'loses its key', edit: () => patchSecret('alice', { data: { OPENAI_API_KEY: null } }) },
    {
      name: 'gets another key',
      edit: () => patchSecret('alice', { data: { OPENAI_API_KEY: 'c2stbWluZQ==' } }),
    },
  ])('that $name gets a new key; the lost one is revoked and people are told', async ({ edit }) => {
    const { sha256 } = await givenSeat();
    await edit();
    const { quota } = await replacedKey('alice', sha256);
    expect(quota.status?.keys).toHaveLength(1);
    expect(findCondition(quota.status?.conditions, 'KeyIssued')).toMatchObject({
      status: 'True',
      reason: 'KeyReplaced',
    });
    await eventually('the event', async () => {
      const { items } = await client.list(events, { namespace });
      return items.some((event) => event.reason === 'KeyReplaced' && event.regarding?.name === 'alice');
    });
  });

  test('back to a revoked key, as from a backup, does not bring that key to life', async () => {
    const { sha256 } = await givenSeat();
    const { data, metadata } = await secretOf('alice');
    await client.delete(secrets, { namespace, name: 'alice-api-key' });
    const second = await replacedKey('alice', sha256);
    await patchSecret('alice', { data, metadata: { annotations: metadata.annotations } });
    const third = await replacedKey('alice', hashApiKey(second.apiKey));
    expect(third.quota.status?.keys?.map((key) => key.sha256)).not.toContain(sha256);
    expect(third.quota.status?.keys).toHaveLength(1);
  });
});

describe('an operator that is killed', () => {
  const changes: { name: string; change: () => Promise<unknown>; wantGenerations: number[] }[] = [
    {
      name: 'a first key',
      change: async () => {
        await client.delete(studentQuotas, { namespace, name: 'alice' });
        await eventually('the Secret is gone', async () => {
          return (await client.get(secrets, { namespace, name: 'alice-api-key' })) === undefined;
        });
        await makeSeat('alice');
      },
      wantGenerations: [1],
    },
    {
      name: 'a rotation',
      change: () =>
        client.mergePatch(
          studentQuotas,
          { namespace, name: 'alice' },
          { spec: { keyRotation: { generation: 2 } } },
        ),
      wantGenerations: [2, 1],
    },
    {
      name: 'a lost key',
      change: () => client.delete(secrets, { namespace, name: 'alice-api-key' }),
      wantGenerations: [1],
    },
  ];

  test.each(changes.flatMap((change) => [1, 2].map((write) => ({ ...change, write }))))(
    'after write $write of $name leaves nothing that the next one does not bring to the same end',
    async ({ change, write, wantGenerations }) => {
      const { sha256 } = await givenSeat();
      stop.abort();
      await stopped;
      await change();
      const killed = new AbortController();
      await runStudentController(namespace, killedAfterWrite(write, killed), killed.signal);

      stop = new AbortController();
      stopped = runStudentController(namespace, client, stop.signal);
      const { quota } = await replacedKey('alice', sha256);
      expect(quota.status?.keys?.map((key) => key.generation)).toEqual(wantGenerations);
    },
  );
});

/** A client that dies once the API server has carried out this many writes of seats. */
function killedAfterWrite(count: number, killed: AbortController): KubeClient {
  let writes = 0;
  const counted = <A extends [Resource<KubeObject>, ...unknown[]], R>(write: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const result = await write(...args);
      if (args[0].plural !== events.plural) writes += 1;
      if (writes < count) return result;
      killed.abort();
      throw new Error('killed');
    };
  };
  return {
    ...client,
    create: counted(client.create) as typeof client.create,
    apply: counted(client.apply) as typeof client.apply,
  };
}

describe('what is not ours', () => {
  test('a Secret of our name is left alone, and the seat says so until it is gone', async () => {
    await makeClassroom();
    const name = 'alice-api-key';
    const foreign = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace },
      data: { MINE: 'eA==' },
    };
    const { metadata } = await client.create(secrets, foreign);
    await makeSeat('alice');
    const quota = await seatWith('alice', 'KeyIssued', 'NameConflict');
    expect(quota.status?.keys).toEqual([]);
    expect((await secretOf('alice')).metadata.resourceVersion).toBe(metadata.resourceVersion);

    await client.delete(secrets, { namespace, name });
    // Nothing tells the operator of a Secret without our label: any event of the seat makes it look, or a minute.
    await client.mergePatch(
      studentQuotas,
      { namespace, name: 'alice' },
      { metadata: { labels: { look: 'again' } } },
    );
    await readySeat('alice');
  });

  test('a hash slipped into the status by hand does not stay', async () => {
    const { sha256 } = await givenSeat();
    const alien = { generation: 1, sha256: 'a'.repeat(64), createdTime: '2026-01-01T00:00:00Z' };
    const keys = [...((await read(studentQuotas, 'alice')).status?.keys ?? []), alien];
    await client.mergePatch(
      studentQuotas,
      { namespace, name: 'alice' },
      { status: { keys } },
      { subresource: 'status' },
    );
    await eventually('only our key', async () => {
      const listed = (await read(studentQuotas, 'alice')).status?.keys ?? [];
      return listed.length === 1 && listed[0]?.sha256 === sha256;
    });
  });

  test("the gateway's usage in the status stays", async () => {
    await givenSeat();
    const usage = { asOf: '2026-01-01T00:00:00Z', requestsToday: 1, tokensToday: 2, tokensTotal: 3 };
    await client.mergePatch(
      studentQuotas,
      { namespace, name: 'alice' },
      { status: { usage } },
      { subresource: 'status' },
    );
    await client.mergePatch(studentQuotas, { namespace, name: 'alice' }, { spec: { access: 'Suspended' } });
    expect((await seatWith('alice', 'Ready', 'Suspended')).status?.usage).toEqual(usage);
  });

  test('a namespace that may not have another Secret is reported, and the key follows when it may', async () => {
    await makeClassroom();
    const quota = await makeResourceQuota(0);
    await makeSeat('alice');
    const refused = await seatWith('alice', 'KeyIssued', 'ApplyRefused');
    expect(findCondition(refused.status?.conditions, 'KeyIssued')?.message).toContain('exceeded quota');
    await controlPlane.admin.json('DELETE', `/api/v1/namespaces/${namespace}/resourcequotas/${quota}`);
    await readySeat('alice');
  });
});

/** Allows this many Secrets in the namespace, and waits until that holds. */
async function makeResourceQuota(count: number): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
  await controlPlane.admin.json('POST', path, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'no-secrets' },
    spec: { hard: { 'count/secrets': String(count) } },
  });
  await eventually('the quota is in force', async () =>
    JSON.stringify(await controlPlane.admin.json('GET', `${path}/no-secrets`)).includes('"used"'),
  );
  return 'no-secrets';
}

/** JSON objects of the API server come in any order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, child]) => [key, sorted(child)]);
}
