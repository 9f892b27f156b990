import { z } from 'zod';
import type { StudentQuota } from '../../api/student-quota.ts';
import { duration } from '../../command-line/values.ts';
import { currentKey } from '../../student/key-record.ts';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import type { Runnable } from '../command.ts';
import { REPLACE_FLAGS, REPLACE_SHAPE, replaceKeys, STUDENTS_OFFER, whoseFaults } from './replace.ts';

const MINUTE_MS = 60_000;
/** The most that the API takes: a week. */
const MAX_OVERLAP_MS = 7 * 24 * 60 * MINUTE_MS;

const overlap = duration
  .refine((ms) => ms % MINUTE_MS === 0, 'must be whole minutes')
  .refine((ms) => ms <= MAX_OVERLAP_MS, 'must not be more than 168h');

const rotateSchema = z.object({ ...REPLACE_SHAPE, overlap, olderThan: duration.optional() });

const ROTATE: ClusterCommand<typeof rotateSchema> = {
  name: 'keys rotate',
  description:
    'Makes new keys. The present ones work until the overlap ends, so that students can change over in their own time.',
  schema: rotateSchema,
  flags: {
    ...REPLACE_FLAGS,
    wait: { ...REPLACE_FLAGS.wait, about: 'come back when the new keys can be handed out' },
    overlap: {
      spelling: '--overlap <duration>',
      about: 'how long the present keys go on to work; 0m: not at all',
      default: '60m',
    },
    olderThan: {
      spelling: '--older-than <duration>',
      about: 'only keys that are older: goes on after an interrupt',
    },
  },
  examples: [
    {
      about: 'new keys for the whole class; the old ones work for another day',
      command: 'kubectl classroom keys rotate python-101 --all --overlap 24h --wait',
    },
    {
      about: 'the same goes on after an interrupt: only those who have no new key yet',
      command: 'kubectl classroom keys rotate python-101 --all --overlap 24h --older-than 30m --wait',
    },
    {
      about: 'a new key for one student',
      command: 'kubectl classroom keys rotate python-101 --students alice --yes',
    },
  ],
  offers: STUDENTS_OFFER,
  faults: whoseFaults,
  run: ({ overlap: overlapMs, olderThan: olderThanMs, ...options }, cluster) => {
    const overlapMinutes = overlapMs / MINUTE_MS;
    const until = overlapMinutes === 0 ? 'stop at once' : `work for ${overlapMinutes} more minutes`;
    return replaceKeys(
      options,
      {
        command: 'kubectl classroom keys rotate',
        overlapMinutes,
        what: (students) => `This makes new keys for ${students}. Their present keys ${until}.`,
        ...(olderThanMs !== undefined && {
          isDue: (seat: StudentQuota, nowMs: number) => isOlderThan(seat, nowMs - olderThanMs),
        }),
      },
      cluster,
    );
  },
};

/** A seat for which a new key is asked for already is not asked for another, however old the present one is. */
function isOlderThan({ spec, status }: StudentQuota, madeBeforeMs: number): boolean {
  const key = currentKey(status?.keys ?? []);
  const isAskedFor = key === undefined || spec.keyRotation.generation > key.generation;
  return !isAskedFor && Date.parse(key.createdTime) < madeBeforeMs;
}

/** `kubectl classroom keys rotate`. */
export const rotateCommand: Runnable = clusterCommand(ROTATE);
