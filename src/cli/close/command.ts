import { z } from 'zod';
import { whoAmI } from '../change/access.ts';
import { changeClass } from '../change/change-class.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, CLASS_SHAPE } from '../change/flags.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_FLAGS, WAIT_SHAPE, YES_FLAGS, YES_SHAPE } from '../cluster/flags.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
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
    ...WAIT_FLAGS,
    wait: { ...WAIT_FLAGS.wait, about: 'come back when the operator has seen it' },
  },
  examples: [
    { about: 'after a question whether it is meant', command: 'kubectl classroom close python-101' },
    { about: 'in a script', command: 'kubectl classroom close python-101 --yes' },
  ],
  async run(options, cluster) {
    const [found, user] = await Promise.all([findClassroom(cluster, options.class), whoAmI(cluster.client)]);
    await changeClass(found, closingOfClass(user), options, cluster);
    return EXIT_CODES.done;
  },
};

/** `kubectl classroom close`. */
export const closeCommand: Runnable = clusterCommand(CLOSE);
