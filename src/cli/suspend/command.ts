import { z } from 'zod';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import type { Runnable } from '../command.ts';
import { changeSeats, SUSPENSION_FLAGS, SUSPENSION_OFFERS, SUSPENSION_SHAPE } from './change-seats.ts';

const suspendSchema = z.object(SUSPENSION_SHAPE);

const SUSPEND: ClusterCommand<typeof suspendSchema> = {
  name: 'suspend',
  description:
    'Suspends the seats of students: their keys are refused from the next request on, until they are resumed. Seats, keys and what they have used stay. For everybody at once there is close.',
  schema: suspendSchema,
  flags: SUSPENSION_FLAGS,
  examples: [{ about: 'one student', command: 'kubectl classroom suspend python-101 bob' }],
  offers: SUSPENSION_OFFERS,
  run: (options, cluster) =>
    changeSeats(options, { access: 'Suspended', command: 'kubectl classroom suspend' }, cluster),
};

/** `kubectl classroom suspend`. */
export const suspendCommand: Runnable = clusterCommand(SUSPEND);
