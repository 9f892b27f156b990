import { EXERCISES, type Exercise } from './exercises.ts';
import { decodePieces, encode } from './tokenizer.ts';

/** A small hash of a text, for choices that must come out the same every time. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** Text as the engine makes it: one piece per token, some of them empty. */
export interface TokenText {
  readonly tokens: readonly number[];
  readonly pieces: readonly string[];
}

/** Cuts a text into tokens with what each adds to it. */
export function tokenText(text: string): TokenText {
  const tokens = encode(text);
  return { tokens, pieces: decodePieces(tokens) };
}

const write = ({ introduction, code, explanation }: Exercise): string =>
  `${introduction}\n\n\`\`\`python\n${code}\n\`\`\`\n\n${explanation}`;

const ANSWERS: readonly TokenText[] = EXERCISES.map((exercise) => tokenText(write(exercise)));
const OPENINGS: readonly TokenText[] = [
  '',
  'Sure! ',
  'Good question. ',
  'Of course. ',
  'Let us take it step by step. ',
].map(tokenText);
const SEPARATOR = tokenText('\n\n');

/** An answer and how many tokens it has before it would naturally end. */
export interface Answer extends TokenText {
  readonly end: number;
}

/**
 * Answers a programming question with code, always the same for the same question and variation.
 *
 * @param question the last thing the user wrote
 * @param variation 0 for greedy sampling, else anything that differs from request to request
 * @param atLeast how many tokens there must be, for requests that ignore the natural end: other exercises follow
 */
export function answerTo(question: string, variation: number, atLeast: number): Answer {
  const first = Math.max(
    0,
    EXERCISES.findIndex(({ about }) => about.test(question)),
  );
  const tokens: number[] = [];
  const pieces: string[] = [];
  const add = (text: TokenText | undefined): void => {
    for (const token of text?.tokens ?? []) tokens.push(token);
    for (const piece of text?.pieces ?? []) pieces.push(piece);
  };
  add(OPENINGS[variation % OPENINGS.length]);
  add(ANSWERS[first]);
  const end = tokens.length;
  for (let index = 1; tokens.length < atLeast; index += 1) {
    add(SEPARATOR);
    add(ANSWERS[(first + index) % ANSWERS.length]);
  }
  return { tokens, pieces, end };
}
