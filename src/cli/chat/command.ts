import { z } from 'zod';
import { nonEmpty, positiveDuration, wholeNumber } from '../../command-line/values.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { coloursFor } from '../colours.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { GATEWAY_FLAGS, GATEWAY_SHAPE } from '../gateway/flags.ts';
import { gatewayOf } from '../gateway/gateway.ts';
import { studentOf } from '../gateway/student.ts';
import type { Machine } from '../machine.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { answer, converse, type Talk } from './conversation.ts';

const MAX_OUTPUT_TOKENS = 1_000_000;

const chatSchema = z.object({
  class: nonEmpty.optional(),
  student: nonEmpty.optional(),
  message: nonEmpty.optional(),
  model: nonEmpty.optional(),
  maxTokens: wholeNumber(1, MAX_OUTPUT_TOKENS).optional(),
  timeout: positiveDuration,
  ...GATEWAY_SHAPE,
});
type ChatOptions = z.output<typeof chatSchema>;

const CHAT: ClusterCommand<typeof chatSchema> = {
  name: 'chat',
  description:
    "Talks to a class as one of its students, with the student's key and through the gateway, to prove that it works. It counts against the student's limits.",
  schema: chatSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    student: { spelling: '--student <id>', about: 'as whom; default: the only student of the class' },
    message: {
      spelling: '-m, --message <text>',
      about: 'one question; default: those that are typed, or all of the standard input',
    },
    model: {
      spelling: '--model <name>',
      about: 'the model, or an adapter of it; default: that of the class',
    },
    maxTokens: { spelling: '--max-tokens <n>', about: 'length of an answer; default: as the limits allow' },
    timeout: {
      spelling: '--timeout <duration>',
      about: 'for an answer to begin; a class without engines has to load them first',
      default: '10m',
    },
    ...GATEWAY_FLAGS,
  },
  examples: [
    { about: 'a conversation', command: 'kubectl classroom chat python-101 --student alice' },
    {
      about: 'one question',
      command: "kubectl classroom chat python-101 --student alice -m 'Write hello world in Python.'",
    },
  ],
  run: chat,
};

/** `kubectl classroom chat`. */
export const chatCommand: Runnable = clusterCommand(CHAT);

async function chat(options: ChatOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const colours = coloursFor(machine.stderr, machine.env);
  const { classroom, student } = await withProgress('Reading the class', machine, async () => {
    const found = await findClassroom(cluster, options.class);
    return { classroom: found, student: await studentOf(cluster, found, options.student) };
  });
  const { spec, status, metadata } = classroom;
  const gateway = gatewayOf(classroom, cluster, options.gatewayUrl);
  const model = options.model ?? status?.servedName ?? spec.model.servedName ?? spec.model.id;
  machine.stderr.write(
    colours.dim(`${student.id} in ${metadata.name}, ${model}, through ${gateway.place}\n`),
  );
  const { message, maxTokens, timeout: deadlineMs } = options;
  const talk: Talk = { gateway, apiKey: student.apiKey, model, maxTokens, deadlineMs, machine, colours };
  if (message === undefined && machine.ask !== undefined) await converse(talk, machine.ask);
  else await answer(talk, [{ role: 'user', content: message ?? readQuestion(machine) }]);
  return EXIT_CODES.done;
}

/** @throws CliError when there is none: an empty one would count against the student's limits */
function readQuestion({ readText }: Machine): string {
  const question = readText('-').trim();
  if (question === '') throw problems.nothingAsked();
  return question;
}
