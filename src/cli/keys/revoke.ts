import { z } from 'zod';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import type { Runnable } from '../command.ts';
import { REPLACE_FLAGS, REPLACE_SHAPE, replaceKeys, STUDENTS_OFFER, whoseFaults } from './replace.ts';

const revokeSchema = z.object(REPLACE_SHAPE);

const REVOKE: ClusterCommand<typeof revokeSchema> = {
  name: 'keys revoke',
  description:
    'Ends keys that got into wrong hands, at once, and those before them whose overlap still runs. The students keep their seats and what they have used, and get new keys to be handed out.',
  schema: revokeSchema,
  flags: {
    ...REPLACE_FLAGS,
    wait: { ...REPLACE_FLAGS.wait, about: 'come back when the old keys are refused and there are new ones' },
  },
  examples: [
    {
      about: 'a key was posted somewhere',
      command: 'kubectl classroom keys revoke python-101 --students alice --wait',
    },
    { about: 'the list of all keys was lost', command: 'kubectl classroom keys revoke python-101 --all' },
  ],
  offers: STUDENTS_OFFER,
  faults: whoseFaults,
  run: (options, cluster) =>
    replaceKeys(
      options,
      {
        command: 'kubectl classroom keys revoke',
        overlapMinutes: 0,
        what: (students) =>
          `This ends the keys of ${students} at once. They get new ones, which must be handed out.`,
      },
      cluster,
    ),
};

/** `kubectl classroom keys revoke`. */
export const revokeCommand: Runnable = clusterCommand(REVOKE);
