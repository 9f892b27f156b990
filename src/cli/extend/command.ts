import { z } from 'zod';
import { changeClass } from '../change/change-class.ts';
import { lifetime } from '../change/end.ts';
import { CHANGE_FLAGS, CHANGE_SHAPE, CLASS_FLAGS, SEEN_FLAGS } from '../change/flags.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { WAIT_SHAPE } from '../cluster/flags.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { extensionOfClass } from './extend.ts';

/** `python-101 30m`, or `30m` alone: no class has a name that begins with a digit. */
const words = z.string().transform((text, context) => {
  const given = text.split(' ');
  const last = given.at(-1) ?? '';
  const longer = lifetime.safeParse(last);
  if (given.length <= 2 && longer.success) {
    return { class: given.length === 2 ? given[0] : undefined, longerMs: longer.data };
  }
  const why = /^\d/.test(last) ? longer.error?.issues.map(({ message }) => `: ${last} ${message}`) : [];
  context.addIssue(`must be a class and by how much, such as python-101 30m${why?.join('') ?? ''}`);
  return z.NEVER;
});

const extendSchema = z.object({ words, ...CHANGE_SHAPE, ...WAIT_SHAPE });

const EXTEND: ClusterCommand<typeof extendSchema> = {
  name: 'extend',
  description:
    'Lets a class that is open close later than it would, by so much, and then by itself. Once more adds to it.',
  schema: extendSchema,
  flags: {
    words: {
      spelling: '<what...>',
      about: `${CLASS_FLAGS.class.about}; and by how much, such as 30m`,
    },
    ...CHANGE_FLAGS,
    ...SEEN_FLAGS,
  },
  examples: [
    { about: 'half an hour more', command: 'kubectl classroom extend python-101 30m' },
    { about: 'the only class of the namespace', command: 'kubectl classroom extend 15m' },
  ],
  offers: { words: (given, known) => (given.length === 0 ? known.classes() : ['15m', '30m', '1h']) },
  async run({ words: { class: name, longerMs }, ...options }, cluster) {
    const found = await findClassroom(cluster, name);
    await changeClass(found, extensionOfClass(longerMs), { ...options, yes: true }, cluster);
    return EXIT_CODES.done;
  },
};

/** `kubectl classroom extend`. */
export const extendCommand: Runnable = clusterCommand(EXTEND);
