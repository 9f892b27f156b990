import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Classroom, classrooms } from '../../../src/api/classroom.ts';
import {
  KEYS_MAX,
  type KeyStatus,
  type StudentQuota,
  studentQuotas,
} from '../../../src/api/student-quota.ts';
import type { ErrorCode } from '../../../src/gateway/errors.ts';
import { authenticate } from '../../../src/gateway/identity/authenticate.ts';
import { classroomRecordOf, seatRecordOf } from '../../../src/gateway/identity/published.ts';
import { instantOf } from '../../../src/kube/instant.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { type Secret, secrets } from '../../../src/kube/resources.ts';
import { hashApiKey } from '../../../src/student/api-key.ts';
import { currentKey } from '../../../src/student/key-record.ts';
import { apiKeyIn } from '../../../src/student/secret.ts';
import { aDirectory } from '../gateway/builders.ts';
import { apiKey, classroom, encode, inExam, MINUTE_MS } from './builders.ts';
import { Killed, SeatWorld } from './seat-world.ts';

/**
 * People do anything to a seat in any order, while the operator is killed after any of its writes, works on caches
 * that are old, and time passes. Whatever happens, these hold.
 */

type Step =
  | { do: 'rotate'; overlapMinutes: number }
  | { do: 'delete the Secret' }
  | { do: 'overwrite the key with rubbish' }
  | { do: 'overwrite the key with a strange one' }
  | { do: 'edit the base URL' }
  | { do: 'remove the labels' }
  | { do: 'remove the annotations' }
  | { do: 'back up the Secret' }
  | { do: 'restore the Secret' }
  | { do: 'delete the class' }
  | { do: 'make the class' }
  | { do: 'slip a hash into the status' }
  | { do: 'begin an exam' }
  | { do: 'end the exam' }
  | { do: 'wait'; minutes: number }
  | { do: 'pass'; oldSecrets: boolean; oldQuotas: boolean; killedAfter: number };

const pass = fc.record({
  do: fc.constant('pass' as const),
  oldSecrets: fc.boolean(),
  oldQuotas: fc.boolean(),
  killedAfter: fc.constantFrom(0, 0, 1, 2),
});

/** What does not cost the student the key. */
const harmless: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: pass },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'edit the base URL',
        'remove the labels',
        'delete the class',
        'make the class',
        'slip a hash into the status',
      ),
    }),
  },
);

const rotation = (...overlapMinutes: number[]): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant('rotate' as const), overlapMinutes: fc.constantFrom(...overlapMinutes) });

const wait = (...minutes: number[]): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant('wait' as const), minutes: fc.constantFrom(...minutes) });

const anything: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: harmless },
  { weight: 3, arbitrary: rotation(0, 10, 60) },
  { weight: 2, arbitrary: wait(1, 15, 90) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'delete the Secret',
        'overwrite the key with rubbish',
        'overwrite the key with a strange one',
        'remove the annotations',
        'back up the Secret',
        'restore the Secret',
      ),
    }),
  },
);

const RUNS = 150;
const TIMEOUT_MS = 120_000;

/** Watches every status that is written, and remembers what may never be again. */
class Witness {
  /** Hashes that were ever listed: keys that students may use. */
  readonly listed = new Set<string>();
  /** Hashes of keys that the operator put into a Secret. */
  readonly #issued = new Set<string>();
  /** Hashes that were listed and are not any more, or have ended. */
  readonly #revoked = new Set<string>();
  readonly #world: SeatWorld;

  constructor(world: SeatWorld) {
    this.#world = world;
    world.onWrite = (resource, object, before) => {
      if (resource === secrets.plural) this.#secretWritten(object as Secret);
      if (resource === studentQuotas.plural) this.#statusWritten(object, before);
    };
  }

  #secretWritten(secret: Secret): void {
    this.#issued.add(hashApiKey(apiKeyIn(secret) ?? ''));
  }

  #statusWritten(object: KubeObject, before: KubeObject | undefined): void {
    const nowMs = this.#world.clock.now();
    const holds = (key: KeyStatus) => key.expiresTime === undefined || Date.parse(key.expiresTime) > nowMs;
    const now = (object as StudentQuota).status?.keys ?? [];
    const was = ((before as StudentQuota | undefined)?.status?.keys ?? []).filter(
      ({ sha256 }) => sha256 !== ALIEN.sha256,
    );

    for (const { sha256 } of now) {
      expect(this.#issued).toContain(sha256);
      this.listed.add(sha256);
    }
    for (const { sha256 } of now.filter(holds)) expect(this.#revoked).not.toContain(sha256);
    expect(now.filter((key) => key.expiresTime === undefined).length).toBeLessThanOrEqual(1);
    this.#overlapsGoOn(was, now, nowMs);
    for (const { sha256 } of was) {
      if (!now.some((key) => key.sha256 === sha256 && holds(key))) this.#revoked.add(sha256);
    }
  }

  /** An overlap ends early only by a rotation whose own overlap is shorter, or for want of room. */
  #overlapsGoOn(was: readonly KeyStatus[], now: readonly KeyStatus[], nowMs: number): void {
    const rotated = (currentKey(now)?.generation ?? 0) > (currentKey(was)?.generation ?? 0);
    if (rotated || now.length === KEYS_MAX) return;
    for (const key of was) {
      if (key.expiresTime !== undefined && Date.parse(key.expiresTime) > nowMs)
        expect(now).toContainEqual(key);
    }
  }
}

const ALIEN: KeyStatus = { generation: 1, sha256: 'a'.repeat(64), createdTime: '2026-01-01T00:00:00Z' };

class Story {
  readonly world = new SeatWorld();
  #backup: Secret | undefined;
  #generation = 1;

  async run(step: Step): Promise<void> {
    const { world } = this;
    switch (step.do) {
      case 'rotate':
        this.#generation += 1;
        return world.edit<StudentQuota>(studentQuotas, 'alice', (draft) => {
          draft.spec.keyRotation = { generation: this.#generation, overlapMinutes: step.overlapMinutes };
        });
      case 'delete the Secret':
        return world.remove(secrets, 'alice-api-key');
      case 'overwrite the key with rubbish':
        return this.#setData('OPENAI_API_KEY', 'rubbish');
      case 'overwrite the key with a strange one':
        return this.#setData('OPENAI_API_KEY', apiKey(250));
      case 'edit the base URL':
        return this.#setData('OPENAI_BASE_URL', 'http://elsewhere');
      case 'remove the labels':
        return world.edit<Secret>(secrets, 'alice-api-key', (draft) => delete draft.metadata.labels);
      case 'remove the annotations':
        return world.edit<Secret>(secrets, 'alice-api-key', (draft) => delete draft.metadata.annotations);
      case 'back up the Secret':
        this.#backup = structuredClone(world.secret());
        return;
      case 'restore the Secret':
        if (this.#backup !== undefined) world.put(secrets, this.#backup);
        return;
      case 'delete the class':
        return world.remove(classrooms, 'python-101');
      case 'make the class':
        return world.put(classrooms, classroom());
      case 'begin an exam': {
        const began = instantOf(world.clock.now());
        return world.edit<Classroom>(classrooms, 'python-101', (draft) =>
          Object.assign(draft, inExam(began)),
        );
      }
      case 'end the exam':
        return world.edit<Classroom>(classrooms, 'python-101', (draft) => Object.assign(draft, classroom()));
      case 'slip a hash into the status':
        return world.edit<StudentQuota>(studentQuotas, 'alice', (draft) => {
          if (draft.status?.keys !== undefined && draft.status.keys.length > 0) draft.status.keys.push(ALIEN);
        });
      case 'wait':
        return world.clock.advance(step.minutes * MINUTE_MS);
      case 'pass':
        return this.#pass(step);
    }
  }

  /** The key that the student reads in the Secret. */
  heldKey(): string {
    const secret = this.world.secret();
    if (secret === undefined) throw new Error('the seat has no Secret');
    return apiKeyIn(secret) ?? '';
  }

  async #pass({ oldSecrets, oldQuotas, killedAfter }: Extract<Step, { do: 'pass' }>): Promise<void> {
    const { world } = this;
    world.refreshCaches(classrooms);
    if (!oldSecrets) world.refreshCaches(secrets);
    if (!oldQuotas) world.refreshCaches(studentQuotas);
    world.killAfterWrites = killedAfter === 0 ? undefined : killedAfter;
    try {
      await world.operator().pass();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    world.killAfterWrites = undefined;
  }

  #setData(key: string, value: string): void {
    this.world.edit<Secret>(secrets, 'alice-api-key', (draft) => {
      draft.data = { ...draft.data, [key]: encode(value) };
    });
  }
}

test(
  'a seat ends with one key that the student has, no revoked key comes back and no overlap is cut short',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 25 }), async (steps) => {
        const story = new Story();
        new Witness(story.world);
        for (const each of steps) await story.run(each);
        await story.run({ do: 'make the class' });
        await story.world.converge();

        const keys = story.world.quota().status?.keys ?? [];
        expect(currentKey(keys)?.sha256).toBe(hashApiKey(story.heldKey()));
        expect(keys).not.toContainEqual(ALIEN);
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT_MS,
);

test(
  'keys that nobody touched stay, or go on for their overlap, whatever else happens',
  async () => {
    const steps = fc.array(fc.oneof({ weight: 6, arbitrary: harmless }, { weight: 1, arbitrary: wait(1) }), {
      maxLength: 8,
    });
    const phases = fc.array(fc.tuple(rotation(90), steps), { maxLength: KEYS_MAX - 1 });
    await fc.assert(
      fc.asyncProperty(steps, phases, async (before, rotations) => {
        const story = new Story();
        const { listed } = new Witness(story.world);
        await story.world.converge();
        for (const each of [...before, ...rotations.flatMap(([rotate, then]) => [rotate, ...then])])
          await story.run(each);
        await story.run({ do: 'make the class' });
        await story.world.converge();
        const keys = story.world.quota().status?.keys?.map((key) => key.sha256);
        expect(keys).toEqual(expect.arrayContaining([...listed]));
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT_MS,
);

test(
  'keys that worked when an exam began work in all of it, whatever is done but to revoke them',
  async () => {
    const done = fc.oneof(
      rotation(10, 60),
      wait(1, 15, 90),
      fc.record({
        do: fc.constantFrom(
          'delete the Secret' as const,
          'overwrite the key with rubbish' as const,
          'overwrite the key with a strange one' as const,
          'edit the base URL' as const,
          'remove the labels' as const,
          'remove the annotations' as const,
        ),
      }),
    );
    // Each may cost a key, and the status has room for so many.
    const steps = fc.array(fc.tuple(done, fc.array(pass, { maxLength: 2 })), { maxLength: KEYS_MAX - 2 });
    await fc.assert(
      fc.asyncProperty(wait(1, 15), steps, async (before, within) => {
        const story = new Story();
        await story.world.converge();
        await story.run({ do: 'rotate', overlapMinutes: 20 });
        await story.world.converge();
        await story.run(before);
        const working = story.world.quota().status?.keys?.map((key) => key.sha256);
        await story.run({ do: 'begin an exam' });
        // An exam in whose first second something is lost is not distinguished from one before it.
        await story.world.clock.advance(1000);
        for (const [step, passes] of within) {
          for (const each of [step, ...passes]) {
            await story.run(each);
            const keys = story.world.quota().status?.keys?.map((key) => key.sha256);
            expect(keys).toEqual(expect.arrayContaining(working ?? []));
          }
        }
        await story.world.converge();
        expect(story.world.quota().status?.keys?.map((key) => key.sha256)).toEqual(
          expect.arrayContaining(working ?? []),
        );
        expect(working).toHaveLength(2);
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT_MS,
);

/** What a gateway makes of every key that was ever listed. */
class Gateway {
  /** Hashes that it refused once, whatever the class does. */
  readonly #refused = new Set<string>();
  readonly #story: Story;
  readonly #listed: ReadonlySet<string>;

  constructor(story: Story) {
    this.#story = story;
    this.#listed = new Witness(story.world).listed;
  }

  look(): void {
    const { world } = this.#story;
    const directory = aDirectory();
    const found = world.get(classrooms, 'python-101');
    if (found !== undefined) directory.putClassroom(classroomRecordOf(found));
    const seat = seatRecordOf(world.quota());
    if (seat !== undefined) directory.putSeat(seat);
    for (const sha256 of this.#listed) {
      const decision = authenticate({ via: 'key', sha256 }, directory, world.clock.now());
      if (decision.ok) expect(this.#refused).not.toContain(sha256);
      else if (KEY_REFUSALS.has(decision.refusal.code)) this.#refused.add(sha256);
    }
  }
}

const KEY_REFUSALS: ReadonlySet<ErrorCode> = new Set(['invalid_api_key', 'expired_api_key']);

test(
  'a key that a gateway refused once is refused for ever, in exams as well, and where the operator comes late',
  async () => {
    const exams = fc.record({ do: fc.constantFrom('begin an exam' as const, 'end the exam' as const) });
    const often = fc.oneof(pass, rotation(10), wait(15), exams);
    const steps = fc.array(fc.oneof({ weight: 4, arbitrary: often }, anything), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const story = new Story();
        const gateway = new Gateway(story);
        await story.world.converge();
        for (const each of steps) {
          await story.run(each);
          gateway.look();
        }
      }),
      { numRuns: 4 * RUNS },
    );
  },
  TIMEOUT_MS,
);
