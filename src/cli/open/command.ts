import { z } from 'zod';
import { changeAccess } from '../change/change-access.ts';
import { END_FLAGS, END_SHAPE, endFaults } from '../change/end.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, CLASS_SHAPE } from '../change/flags.ts';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_FLAGS, WAIT_SHAPE } from '../cluster/flags.ts';
import type { Runnable } from '../command.ts';
import { openingOfClass } from './open.ts';

const openSchema = z.object({ ...CLASS_SHAPE, ...END_SHAPE, ...CHANGE_SHAPE, ...WAIT_SHAPE });

const OPEN: ClusterCommand<typeof openSchema> = {
  name: 'open',
  description:
    'Opens a class that was closed. With --for or --until it is open that long whatever its timetable says, and closes by itself; without, its timetable holds.',
  schema: openSchema,
  flags: {
    ...CLASS_FLAGS,
    ...END_FLAGS,
    ...CHANGE_FLAGS,
    ...WAIT_FLAGS,
    wait: { ...WAIT_FLAGS.wait, about: 'come back when students are served' },
  },
  examples: [
    { about: 'after it was closed', command: 'kubectl classroom open python-101' },
    { about: 'for homework this afternoon', command: 'kubectl classroom open python-101 --for 2h' },
    { about: 'until a time of its own clock', command: 'kubectl classroom open python-101 --until 18:30' },
  ],
  faults: endFaults,
  run: (options, cluster) =>
    changeAccess({ ...options, yes: true }, (user) => openingOfClass(options, user), cluster),
};

/** `kubectl classroom open`. */
export const openCommand: Runnable = clusterCommand(OPEN);
