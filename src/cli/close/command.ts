import { z } from 'zod';
import { changeAccess } from '../change/change-access.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, CLASS_SHAPE, SEEN_FLAGS } from '../change/flags.ts';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_SHAPE, YES_FLAGS, YES_SHAPE } from '../cluster/flags.ts';
import type { Runnable } from '../command.ts';
import { closingOfClass } from './close.ts';

const closeSchema = z.object({ ...CLASS_SHAPE, ...YES_SHAPE, ...CHANGE_SHAPE, ...WAIT_SHAPE });

const CLOSE: ClusterCommand<typeof closeSchema> = {
  name: 'close',
  description:
    'Closes a class for all its students, whatever its timetable says, until somebody opens it again. Answers that run are finished; an extension or an exam ends. Seats and keys stay.',
  schema: closeSchema,
  flags: {
    ...CLASS_FLAGS,
    ...YES_FLAGS,
    ...CHANGE_FLAGS,
    ...SEEN_FLAGS,
  },
  examples: [
    { about: 'after a question whether it is meant', command: 'kubectl classroom close python-101' },
    { about: 'in a script', command: 'kubectl classroom close python-101 --yes' },
  ],
  run: (options, cluster) => changeAccess(options, closingOfClass, cluster),
};

/** `kubectl classroom close`. */
export const closeCommand: Runnable = clusterCommand(CLOSE);
