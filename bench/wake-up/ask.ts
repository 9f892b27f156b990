import OpenAI from 'openai';
import type { StudentCredentials } from '../../src/demo/class/students.ts';

/** Enough to be an answer, too short to count. */
const MAX_TOKENS = 8;

/** Asks and reads to the end. @returns when the first content came, ms of the monotonic clock */
export type Ask = (credentials: StudentCredentials) => Promise<number>;

function questionFor(model: string) {
  return {
    model,
    max_tokens: MAX_TOKENS,
    messages: [{ role: 'user' as const, content: 'What does `len` do in Python?' }],
  };
}

function clientOf({ apiKey, baseURL }: StudentCredentials): OpenAI {
  return new OpenAI({ apiKey, baseURL, maxRetries: 0 });
}

/** Heartbeats are no content. */
export const askStreamed: Ask = async (credentials) => {
  const question = questionFor(credentials.model);
  const stream = await clientOf(credentials).chat.completions.create({ ...question, stream: true });
  let contentMs: number | undefined;
  for await (const { choices } of stream) {
    if ((choices[0]?.delta.content ?? '') !== '') contentMs ??= performance.now();
  }
  if (contentMs === undefined) throw new Error('The stream ended without any content');
  return contentMs;
};

export const askPlain: Ask = async (credentials) => {
  const { choices } = await clientOf(credentials).chat.completions.create(questionFor(credentials.model));
  const contentMs = performance.now();
  if ((choices[0]?.message.content ?? '') === '') throw new Error('The answer has no content');
  return contentMs;
};
