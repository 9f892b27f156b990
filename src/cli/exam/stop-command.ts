import { z } from 'zod';
import { whoAmI } from '../change/access.ts';
import { changeClass } from '../change/change-class.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, CLASS_SHAPE } from '../change/flags.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_FLAGS, WAIT_SHAPE } from '../cluster/flags.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { endOfExam } from './stop.ts';

const stopSchema = z.object({ ...CLASS_SHAPE, ...CHANGE_SHAPE, ...WAIT_SHAPE });

const STOP: ClusterCommand<typeof stopSchema> = {
  name: 'exam stop',
  description:
    'Ends an exam: access and `spec.exam` are as they were before `exam start`, and what waited for the end of the exam happens.',
  schema: stopSchema,
  flags: {
    ...CLASS_FLAGS,
    ...CHANGE_FLAGS,
    ...WAIT_FLAGS,
    wait: { ...WAIT_FLAGS.wait, about: 'come back when the operator has seen it' },
  },
  examples: [{ about: 'pens down', command: 'kubectl classroom exam stop python-101' }],
  async run(options, cluster) {
    const [found, user] = await Promise.all([findClassroom(cluster, options.class), whoAmI(cluster.client)]);
    await changeClass(found, endOfExam(user), { ...options, yes: true }, cluster);
    return EXIT_CODES.done;
  },
};

/** `kubectl classroom exam stop`. */
export const examStopCommand: Runnable = clusterCommand(STOP);
