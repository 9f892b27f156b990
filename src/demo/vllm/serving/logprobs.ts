import { decode, tokenBytes } from '../text/tokenizer.ts';
import { VOCABULARY_SIZE } from '../text/vocabulary.ts';

/** Made-up log probabilities: falling with the rank, the same for the same token each time. */
const logprobOf = (token: number, rank: number): number => -0.01 * ((token % 37) + 1) - rank * 1.5;

const entry = (token: number, rank: number): { token: string; logprob: number; bytes: number[] } => ({
  token: decode([token]),
  logprob: logprobOf(token, rank),
  bytes: tokenBytes(token),
});

/** `logprobs.content` of a chat for some tokens. */
export const chatLogprobs = (tokens: readonly number[], top: number): object => ({
  content: tokens.map((token) => ({
    ...entry(token, 0),
    top_logprobs: Array.from({ length: top }, (_, rank) => entry((token + rank) % VOCABULARY_SIZE, rank)),
  })),
});

/** `logprobs` of a completion for some tokens, which begin at a character of the text. */
export function completionLogprobs(tokens: readonly number[], top: number, offset: number): object {
  let position = offset;
  const offsets = tokens.map((token) => {
    const start = position;
    position += decode([token]).length;
    return start;
  });
  return {
    text_offset: offsets,
    token_logprobs: tokens.map((token) => logprobOf(token, 0)),
    tokens: tokens.map((token) => decode([token])),
    top_logprobs: tokens.map((token) =>
      Object.fromEntries(
        Array.from({ length: Math.max(1, top) }, (_, rank) => {
          const each = entry((token + rank) % VOCABULARY_SIZE, rank);
          return [each.token, each.logprob];
        }),
      ),
    ),
  };
}
