import { z } from 'zod';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import type { Runnable } from '../command.ts';
import {
  changeSeats,
  SUSPENSION_FLAGS,
  SUSPENSION_OFFERS,
  SUSPENSION_SHAPE,
} from '../suspend/change-seats.ts';

const resumeSchema = z.object(SUSPENSION_SHAPE);

const RESUME: ClusterCommand<typeof resumeSchema> = {
  name: 'resume',
  description:
    'Lets students who were suspended go on, with the keys they have. A class that is closed is opened by open.',
  schema: resumeSchema,
  flags: SUSPENSION_FLAGS,
  examples: [{ about: 'two students', command: 'kubectl classroom resume python-101 bob carol' }],
  offers: SUSPENSION_OFFERS,
  run: (options, cluster) =>
    changeSeats(options, { access: 'Active', command: 'kubectl classroom resume' }, cluster),
};

/** `kubectl classroom resume`. */
export const resumeCommand: Runnable = clusterCommand(RESUME);
