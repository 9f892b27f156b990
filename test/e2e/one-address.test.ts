import { expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { CLASSROOM_CONDITIONS } from '../../src/api/reasons.ts';
import { everyoneAnswered, letThemWork } from '../../src/demo/class/at-work.ts';
import { credentialsOf, enrol, followLesson } from '../../src/demo/class/lesson.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { startTestCluster } from '../support/demo-cluster.ts';
import { eventually } from '../support/eventually.ts';

const CLASS = { namespace: 'one-address', name: 'one-address' };
const TIMEOUT_MS = 240_000;

test(
  'where all pods share one address, as on macOS, the class is answered and watched all the same',
  async () => {
    await using cluster = await startTestCluster({ addressing: 'PerPodPort' });
    await Promise.all([
      cluster.startOperator({ name: 'operator' }),
      cluster.startGateway({ name: 'gateway' }),
      enrol(cluster.client, CLASS, ['alice', 'bo', 'chen', 'dana', 'emil', 'farid'], 2),
    ]);
    const lesson = await followLesson(cluster.client, systemClock, CLASS);
    await lesson.untilReady(AbortSignal.timeout(TIMEOUT_MS));
    const credentials = await Promise.all(lesson.seats().map((seat) => credentialsOf(cluster.client, seat)));
    const { students, done } = letThemWork({
      credentials,
      rounds: 1,
      maxThinkMs: 0,
      clock: systemClock,
      random: Math.random,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await done;
    // The operator finds them, too.
    await eventually('the engines to be as planned', () => {
      const { conditions } = lesson.classroom()?.status ?? {};
      return findCondition(conditions, CLASSROOM_CONDITIONS.engineAsPlanned)?.status === 'True';
    });
    await lesson.stop();

    expect(students.filter(({ failed }) => failed > 0)).toEqual([]);
    expect(everyoneAnswered(students)).toBe(true);
  },
  TIMEOUT_MS * 2,
);
