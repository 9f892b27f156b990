import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { parseJson } from '../../json/parse.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { problems } from '../problems.ts';

/** One message of a conversation. */
export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** What is asked. */
export interface Question {
  readonly apiKey: string;
  readonly model: string;
  readonly messages: readonly Message[];
  readonly maxTokens?: number | undefined;
  /** For the answer to begin, ms. */
  readonly deadlineMs: number;
}

/** What an answer is made of, as it comes. */
export type Piece =
  | { readonly kind: 'Text'; readonly text: string }
  | { readonly kind: 'Usage'; readonly promptTokens: number; readonly completionTokens: number };

/** https://platform.openai.com/docs/api-reference/chat-streaming */
const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({
          content: z.string().nullish(),
          /** vLLM's, of models that think aloud; the second name is the one of before, and may come as well. */
          reasoning: z.string().nullish(),
          reasoning_content: z.string().nullish(),
        }),
      }),
    )
    .default([]),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }).nullish(),
});

/** How the gateway says in a stream that it breaks off. */
const errorSchema = z.object({ error: z.object({ message: z.string() }) });

const END = '[DONE]';

/**
 * Asks as OpenAI's clients do, streamed.
 *
 * @throws CliError when the gateway cannot be reached or refuses, or the answer breaks off
 */
export async function* streamAnswer(gateway: Gateway, question: Question): AsyncGenerator<Piece, void, void> {
  const { apiKey, model, messages, maxTokens, deadlineMs } = question;
  const answer = gateway.ask({
    method: 'POST',
    path: '/chat/completions',
    apiKey,
    deadlineMs,
    body: {
      model,
      messages,
      stream: true,
      stream_options: { include_usage: true },
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    },
  });
  let events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => void events.push(data) });
  for await (const text of answer) {
    parser.feed(text);
    const complete = events;
    events = [];
    for (const event of complete) {
      if (event === END) return;
      yield* piecesOf(event);
    }
  }
  throw problems.answerBroken({ why: 'The connection ended before the end of the answer.' });
}

function piecesOf(event: string): Piece[] {
  const parsed = parseJson(event);
  const error = errorSchema.safeParse(parsed).data?.error;
  if (error !== undefined) throw problems.answerBroken({ why: error.message });
  const { choices = [], usage } = chunkSchema.safeParse(parsed).data ?? {};
  const texts = choices.flatMap(({ delta }) => [delta.reasoning ?? delta.reasoning_content, delta.content]);
  return [
    ...texts.flatMap((text): Piece[] => (text ? [{ kind: 'Text', text }] : [])),
    ...(usage == null
      ? []
      : [
          {
            kind: 'Usage' as const,
            promptTokens: usage.prompt_tokens,
            completionTokens: usage.completion_tokens,
          },
        ]),
  ];
}
