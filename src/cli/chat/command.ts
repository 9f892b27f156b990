import { z } from 'zod';
import { nonEmpty, positiveDuration, wholeNumber } from '../../command-line/values.ts';
import { findClassroom } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { type Colours, coloursFor } from '../colours.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { GATEWAY_FLAGS, GATEWAY_SHAPE } from '../gateway/flags.ts';
import { type Gateway, gatewayOf } from '../gateway/gateway.ts';
import { studentOf } from '../gateway/student.ts';
import type { Machine } from '../machine.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { type Message, type Question, streamAnswer } from './answer.ts';

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

/** A conversation with a class. */
interface Talk {
  readonly gateway: Gateway;
  readonly apiKey: string;
  readonly model: string;
  readonly options: ChatOptions;
  readonly machine: Machine;
  /** Of what is not the answer. */
  readonly colours: Colours;
}

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
  const talk: Talk = { gateway, apiKey: student.apiKey, model, options, machine, colours };
  const { message } = options;
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

/** Until nothing is typed. What was said before goes along with each question. */
async function converse(talk: Talk, ask: NonNullable<Machine['ask']>): Promise<void> {
  const { machine, colours } = talk;
  machine.stderr.write(colours.dim('An empty line ends it.\n'));
  const said: Message[] = [];
  for (;;) {
    const content = (await ask(colours.cyan('> '))).trim();
    if (content === '') return;
    said.push({ role: 'user', content });
    said.push({ role: 'assistant', content: await answer(talk, said) });
  }
}

/** Shows an answer as it comes, and what it took. */
async function answer(talk: Talk, messages: readonly Message[]): Promise<string> {
  const { gateway, apiKey, model, options, machine, colours } = talk;
  const { maxTokens, timeout: deadlineMs } = options;
  const question: Question = { apiKey, model, messages: [...messages], maxTokens, deadlineMs };
  const startedMs = machine.clock.monotonic();
  const pieces = streamAnswer(gateway, question);
  let text = '';
  let firstMs: number | undefined;
  let tokens: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
  const waiting = withProgress('Waiting for the answer', machine, () => pieces.next());
  try {
    for (let next = await waiting; !next.done; next = await pieces.next()) {
      const piece = next.value;
      firstMs ??= machine.clock.monotonic() - startedMs;
      switch (piece.kind) {
        case 'Text':
          machine.stdout.write(piece.text);
          text += piece.text;
          break;
        case 'Usage':
          tokens = piece;
          break;
      }
    }
  } finally {
    // Also before it is told why an answer breaks off.
    if (text !== '') machine.stdout.write('\n');
  }
  const took = { totalMs: machine.clock.monotonic() - startedMs, firstMs, tokens };
  machine.stderr.write(colours.dim(`${tookText(took)}\n`));
  return text;
}

interface Took {
  readonly totalMs: number;
  readonly firstMs: number | undefined;
  readonly tokens: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
}

/** `12 tokens in, 80 out; first text after 0.31 s, all after 2.10 s (44.7 tokens a second)`. */
export function tookText({ totalMs, firstMs, tokens }: Took): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  const counted =
    tokens === undefined ? [] : [`${tokens.promptTokens} tokens in, ${tokens.completionTokens} out`];
  if (firstMs === undefined) return [...counted, `no text after ${seconds(totalMs)} s`].join('; ');
  const speed =
    tokens === undefined || totalMs <= firstMs ? undefined : tokens.completionTokens / (totalMs - firstMs);
  const rate = speed === undefined ? '' : ` (${(speed * 1000).toFixed(1)} tokens a second)`;
  return [...counted, `first text after ${seconds(firstMs)} s, all after ${seconds(totalMs)} s${rate}`].join(
    '; ',
  );
}
