import { answerTo, hashText, type TokenText, tokenText } from '../text/answers.ts';
import { jsonAnswer } from '../text/json-answer.ts';

/** How long and what an answer may be, after vLLM's rules have been applied to the request. */
export interface AnswerRules {
  /** The last thing the user wrote. */
  readonly question: string;
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  readonly stop: readonly string[];
  readonly includeStop: boolean;
  readonly stopTokenIds: readonly number[];
  /** 0 for greedy sampling. */
  readonly variation: number;
  /** A JSON schema, or an empty object for any JSON; undefined for text. */
  readonly jsonSchema: object | undefined;
}

/** One choice as it will turn out if nothing interrupts it. */
export interface PlannedAnswer extends TokenText {
  readonly finishReason: 'stop' | 'length';
  /** The stop string or token that ended it. */
  readonly stopReason: string | number | null;
}

const take = ({ tokens, pieces }: TokenText, count: number): TokenText => ({
  tokens: tokens.slice(0, count),
  pieces: pieces.slice(0, count),
});

/** Shortens the pieces to a number of characters in all; pieces past it become empty. */
function cutText(pieces: readonly string[], characters: number): string[] {
  let left = characters;
  return pieces.map((piece) => {
    const kept = piece.slice(0, Math.max(0, left));
    left -= piece.length;
    return kept;
  });
}

/** The first token at which the text contains a stop string, and where the text is to end. */
function findStop(
  pieces: readonly string[],
  rules: AnswerRules,
): { count: number; characters: number; stop: string } | undefined {
  if (rules.stop.length === 0) return undefined;
  let text = '';
  for (const [index, piece] of pieces.entries()) {
    const searchFrom = Math.max(0, text.length - Math.max(...rules.stop.map((stop) => stop.length)));
    text += piece;
    if (index + 1 <= rules.minTokens) continue;
    for (const stop of rules.stop) {
      const at = text.indexOf(stop, searchFrom);
      if (at >= 0) return { count: index + 1, characters: rules.includeStop ? at + stop.length : at, stop };
    }
  }
  return undefined;
}

function compose(rules: AnswerRules): { text: TokenText; end: number } {
  if (rules.jsonSchema !== undefined) {
    const text = tokenText(jsonAnswer(rules.jsonSchema));
    return { text, end: text.tokens.length };
  }
  const answer = answerTo(
    rules.question,
    rules.variation,
    rules.ignoreEos ? rules.maxTokens : rules.minTokens,
  );
  return { text: answer, end: Math.max(answer.end, rules.minTokens) };
}

/**
 * Works out a whole choice beforehand: its tokens, the text each adds, and why it ends. The end-of-sequence token
 * counts and adds no text.
 */
export function planAnswer(rules: AnswerRules): PlannedAnswer {
  const { text, end } = compose(rules);
  const endsByItself = !rules.ignoreEos && end + 1 <= rules.maxTokens;
  const whole = endsByItself
    ? { tokens: [...text.tokens.slice(0, end), 0], pieces: [...text.pieces.slice(0, end), ''] }
    : take(text, rules.maxTokens);
  const stopToken = whole.tokens.findIndex(
    (token, index) => index >= rules.minTokens && rules.stopTokenIds.includes(token),
  );
  const stop = findStop(whole.pieces, rules);
  if (stop !== undefined && (stopToken < 0 || stop.count <= stopToken + 1)) {
    const { tokens, pieces } = take(whole, stop.count);
    return { tokens, pieces: cutText(pieces, stop.characters), finishReason: 'stop', stopReason: stop.stop };
  }
  if (stopToken >= 0) {
    const { tokens, pieces } = take(whole, stopToken + 1);
    const shown = rules.includeStop ? pieces : [...pieces.slice(0, -1), ''];
    return { tokens, pieces: shown, finishReason: 'stop', stopReason: tokens.at(-1) ?? null };
  }
  return { ...whole, finishReason: endsByItself ? 'stop' : 'length', stopReason: null };
}

/** Tells apart the choices of a request, and requests from each other, where sampling is not greedy. */
export const variationOf = (greedy: boolean, seed: number | string, choice: number): number =>
  greedy ? 0 : (hashText(String(seed)) % 1000) + choice;
