import type { Colours } from '../colours.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Machine } from '../machine.ts';
import { printable } from '../printable.ts';
import { CliError, tellProblem } from '../problem.ts';
import { withProgress } from '../progress.ts';
import { type Message, streamAnswer } from './answer.ts';

/** Who talks, with whom and how. */
export interface Talk {
  readonly gateway: Gateway;
  readonly apiKey: string;
  readonly model: string;
  readonly maxTokens: number | undefined;
  /** For an answer to begin, ms. */
  readonly deadlineMs: number;
  readonly machine: Machine;
  /** Of what is not the answer. */
  readonly colours: Colours;
}

/**
 * Until nothing is typed. What was said before goes along with each question; one that only came too early may be asked
 * again.
 *
 * @throws CliError of a refusal that does not pass by itself
 */
export async function converse(talk: Talk, ask: NonNullable<Machine['ask']>): Promise<void> {
  const { machine, colours } = talk;
  machine.stderr.write(colours.dim('An empty line ends it.\n'));
  let said: readonly Message[] = [];
  for (;;) {
    const content = (await ask(colours.cyan('> '))).trim();
    if (content === '') return;
    const messages: readonly Message[] = [...said, { role: 'user', content }];
    try {
      said = [...messages, { role: 'assistant', content: await answer(talk, messages) }];
    } catch (error) {
      if (!(error instanceof CliError && error.problem.passes === true)) throw error;
      tellProblem(error, machine);
    }
  }
}

/** Shows an answer as it comes, and what it took. */
export async function answer(talk: Talk, messages: readonly Message[]): Promise<string> {
  const { gateway, machine, colours, apiKey, model, maxTokens, deadlineMs } = talk;
  const startedMs = machine.clock.monotonic();
  const pieces = streamAnswer(gateway, { apiKey, model, messages, maxTokens, deadlineMs });
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
          machine.stdout.write(printable(piece.text));
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
