import { z } from 'zod';
import { changeAccess } from '../change/change-access.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, CLASS_SHAPE, SEEN_FLAGS } from '../change/flags.ts';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_SHAPE } from '../cluster/flags.ts';
import type { Runnable } from '../command.ts';
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
    ...SEEN_FLAGS,
  },
  examples: [{ about: 'pens down', command: 'kubectl classroom exam stop python-101' }],
  run: (options, cluster) => changeAccess({ ...options, yes: true }, endOfExam, cluster),
};

/** `kubectl classroom exam stop`. */
export const examStopCommand: Runnable = clusterCommand(STOP);
