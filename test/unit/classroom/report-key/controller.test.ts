import { describe, expect, test } from '@jest/globals';
import { classrooms } from '../../../../src/api/classroom.ts';
import { createReportKeyController } from '../../../../src/classroom/report-key/controller.ts';
import { reportKeyIn } from '../../../../src/classroom/report-key/secret.ts';
import { secrets } from '../../../../src/kube/resources.ts';
import { hashApiKey, parseApiKey } from '../../../../src/student/api-key.ts';
import { classroom, NAMESPACE } from '../../student/builders.ts';
import { Killed, SeatWorld } from '../../student/seat-world.ts';

const CLASS = classroom().metadata.name;
const SECRET = `${CLASS}-report-key`;

/** One pass of an operator that has just started. */
async function pass(world: SeatWorld) {
  const settings = { watchNamespace: undefined };
  const controller = createReportKeyController({ ...world.dependencies, settings });
  return controller.reconcile(`${NAMESPACE}/${CLASS}`, new AbortController().signal);
}

/** Passes until one writes nothing, with caches that follow. */
async function converge(world: SeatWorld): Promise<void> {
  for (let round = 0; round < 6; round++) {
    world.refreshCaches();
    const before = world.writes.length;
    await pass(world);
    if (world.writes.length === before) return;
  }
  throw new Error(`not settled: ${world.writes.join(', ')}`);
}

function keyOf(world: SeatWorld): string {
  const secret = world.secret(SECRET);
  return (secret && reportKeyIn(secret)) ?? '';
}

function published(world: SeatWorld) {
  return world.get(classrooms, CLASS)?.status?.reportKey;
}

describe('the key of the report of a class', () => {
  test('is in a Secret that goes with the class, and its hash in the status', async () => {
    const world = new SeatWorld();
    await converge(world);
    const key = keyOf(world);
    expect(parseApiKey(key)).toEqual({ ok: true });
    expect(published(world)).toMatchObject({ secretName: SECRET, sha256: hashApiKey(key) });
    expect(world.secret(SECRET)?.metadata.ownerReferences).toMatchObject([
      { kind: 'Classroom', uid: world.get(classrooms, CLASS)?.metadata.uid },
    ]);
    expect(world.events).toMatchObject([{ reason: 'KeyIssued' }]);
    expect(world.writes).toHaveLength(2);
  });

  test('is told nobody but its Secret', async () => {
    const world = new SeatWorld();
    await converge(world);
    const key = keyOf(world);
    expect(key).not.toBe('');
    for (const text of world.emitted) expect(text).not.toContain(key);
  });

  test.each([1, 2])('is the same for an operator that was killed after write %s', async (writes) => {
    const world = new SeatWorld();
    world.killAfterWrites = writes;
    await expect(pass(world)).rejects.toThrow(Killed);
    const key = keyOf(world);
    await converge(world);
    expect([keyOf(world), published(world)?.sha256]).toEqual([key, hashApiKey(key)]);
  });

  test('is replaced when its Secret is deleted; the one before does not come back with an old Secret', async () => {
    const world = new SeatWorld();
    await converge(world);
    const [before, first] = [world.secret(SECRET), keyOf(world)];
    world.remove(secrets, SECRET);
    await converge(world);
    const second = keyOf(world);
    expect(second).not.toBe(first);
    expect(published(world)?.sha256).toBe(hashApiKey(second));
    if (before !== undefined) world.put(secrets, before);
    await converge(world);
    expect([first, second]).not.toContain(keyOf(world));
    expect(published(world)?.sha256).toBe(hashApiKey(keyOf(world)));
  });

  test('stays when somebody only took its labels away', async () => {
    const world = new SeatWorld();
    await converge(world);
    const key = keyOf(world);
    world.edit(secrets, SECRET, (secret) => {
      secret.metadata.labels = { 'app.kubernetes.io/managed-by': 'gpu-classroom-operator' };
    });
    await converge(world);
    expect(keyOf(world)).toBe(key);
    expect(world.secret(SECRET)?.metadata.labels).toMatchObject({
      'app.kubernetes.io/component': 'report-key',
    });
    expect(world.events.map(({ reason }) => reason)).toEqual(['KeyIssued', 'SecretHealed']);
  });

  test('a view that is too old to show the Secret makes no second one', async () => {
    const world = new SeatWorld();
    await pass(world);
    const key = keyOf(world);
    await pass(world);
    expect(keyOf(world)).toBe(key);
  });

  test("somebody else's Secret of its name is left alone, and people are told once", async () => {
    const world = new SeatWorld();
    const foreign = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: NAMESPACE, name: SECRET } };
    world.put(secrets, foreign);
    const settings = { watchNamespace: undefined };
    const controller = createReportKeyController({ ...world.dependencies, settings });
    for (let round = 0; round < 3; round++) {
      const { blocked } = await controller.reconcile(`${NAMESPACE}/${CLASS}`, new AbortController().signal);
      expect(blocked).toContain(SECRET);
    }
    expect(world.writes).toEqual([]);
    expect(world.events).toMatchObject([{ reason: 'NameConflict' }]);
  });
});
