import { z } from 'zod';
import { type Parsed, type Program, parseCommandLine } from '../command-line/parse.ts';
import { nonEmpty, oneOf, onOrOff, wholeNumber } from '../command-line/values.ts';

const optionsSchema = z
  .object({
    mode: oneOf(['class', 'cluster']),
    empty: onOrOff,
    students: wholeNumber(1, 500),
    exit: onOrOff,
    nodes: nonEmpty.optional(),
    model: nonEmpty.optional(),
    port: wholeNumber(1, 65_535).optional(),
    speed: z.coerce.number('must be a number').positive('must be more than 0'),
    keep: nonEmpty.optional(),
  })
  .refine(({ mode, empty }) => !empty || mode === 'cluster', {
    path: ['empty'],
    message: 'is for a cluster without a class: npm run cluster -- --empty',
  });

/** What to do, and how. */
export type DemoOptions = z.infer<typeof optionsSchema>;

const FLAGS: Program<typeof optionsSchema>['flags'] = {
  mode: {
    spelling: '[mode]',
    about: 'class: students at work; cluster: the same without a class, until Ctrl-C',
    default: 'class',
  },
  empty: {
    spelling: '--empty',
    about: 'a cluster without operator and gateway, into which Helm installs them (on Linux)',
  },
  students: { spelling: '--students <n>', about: 'students in the class', default: '20' },
  exit: {
    spelling: '--exit',
    about: 'end when every student was answered; exit code 0 only then',
  },
  nodes: {
    spelling: '--nodes <file>',
    about: 'GPU nodes to play; default: four machines with one A10 each',
  },
  model: {
    spelling: '--model <id>',
    about: 'what the engines load: a Hugging Face id or an absolute path; default: Qwen/Qwen2.5-7B-Instruct',
  },
  port: { spelling: '--port <port>', about: 'port of the gateway; default: a free one' },
  speed: {
    spelling: '--speed <factor>',
    about: 'how many times faster than the real GPU the engines are',
    default: '1',
  },
  keep: { spelling: '--keep <folder>', about: 'copy logs and kubeconfigs of all parts there at the end' },
};

/** @param argv without the program's name */
export function parseDemoOptions(argv: readonly string[]): Parsed<DemoOptions> {
  return parseCommandLine(
    {
      name: 'npm run demo --',
      description:
        'A class of students works on engines that the operator made, on a Kubernetes cluster of its own.',
      schema: optionsSchema,
      flags: FLAGS,
    },
    argv,
  );
}
