import { z } from 'zod';
import { parseJson } from '../../json/parse.ts';
import type { TokenUsage } from '../token-usage.ts';
import { isAt } from './byte-mark.ts';

const [OPEN, CLOSE, COLON, COMMA, SPACE, ZERO] = [0x7b, 0x7d, 0x3a, 0x2c, 0x20, 0x30];

const count = z.int().min(0);
const cached = z.object({ cached_tokens: count.nullish() }).nullish();

const chatUsageSchema = z.object({
  prompt_tokens: count,
  // Absent in embeddings.
  completion_tokens: count.nullish(),
  prompt_tokens_details: cached,
});
const responsesUsageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  input_tokens_details: cached,
});

export const USAGE_KEY = Buffer.from('"usage"');

/** A usage that was found, and what to cut out so that the JSON around it stays whole: key, value and one comma. */
export interface FoundUsage {
  readonly usage: TokenUsage;
  readonly from: number;
  readonly to: number;
}

/**
 * Finds the usage in a piece of JSON without parsing the rest: the last `"usage": {…}` that has token counts.
 *
 * Text that a model or a client wrote cannot imitate it: inside a JSON string every quote is escaped, so the bytes
 * `,"usage":` are always a key. Keys named so elsewhere (a tool's schema that an answer repeats) come before the
 * engine's own, which is why the last one counts.
 */
export function findUsage(json: Buffer): FoundUsage | undefined {
  for (let at = json.lastIndexOf(USAGE_KEY); at > 0; at = json.lastIndexOf(USAGE_KEY, at - 1)) {
    const found = usageAt(json, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The usage whose key begins at `at`; undefined when something else does. */
export function usageAt(json: Buffer, at: number): FoundUsage | undefined {
  return runningUsageAt(json, at) ?? anyUsageAt(json, at);
}

const RUNNING_COUNTS = ['{"prompt_tokens":', ',"total_tokens":', ',"completion_tokens":'].map((text) =>
  Buffer.from(text),
);

/**
 * Reads the form that vLLM writes into every chunk, by hand: this runs once per token.
 *
 * @see https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/protocol.py UsageInfo
 */
function runningUsageAt(json: Buffer, at: number): FoundUsage | undefined {
  let end = at + USAGE_KEY.length + 1;
  if (json[at - 1] !== COMMA || json[end - 1] !== COLON) return undefined;
  let promptTokens = 0;
  let completionTokens = 0;
  for (const name of RUNNING_COUNTS) {
    if (!isAt(json, end, name)) return undefined;
    end += name.length;
    let count = digitAt(json, end);
    if (count < 0) return undefined;
    for (let digit = digitAt(json, ++end); digit >= 0; digit = digitAt(json, ++end))
      count = count * 10 + digit;
    if (name === RUNNING_COUNTS[0]) promptTokens = count;
    completionTokens = count;
  }
  if (json[end] !== COMMA && json[end] !== CLOSE) return undefined;
  // What follows are details. Those that are objects are left to the parser.
  for (; json[end] !== CLOSE; end++) {
    if (json[end] === OPEN || end >= json.length) return undefined;
  }
  const usage = { promptTokens, completionTokens, cachedTokens: undefined };
  return { usage, from: at - 1, to: end + 1 };
}

/** -1 for anything but a digit. */
function digitAt(json: Buffer, at: number): number {
  const digit = (json[at] ?? 0) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

function anyUsageAt(json: Buffer, at: number): FoundUsage | undefined {
  const before = skipSpacesBack(json, at - 1);
  // A key follows `{` or `,`; a text that happens to read `"usage"` follows a colon or a bracket.
  if (json[before] !== COMMA && json[before] !== OPEN) return undefined;
  const colon = skipSpaces(json, at + USAGE_KEY.length);
  if (json[colon] !== COLON) return undefined;
  const open = skipSpaces(json, colon + 1);
  const end = json[open] === OPEN ? objectEnd(json, open) : -1;
  const usage = end < 0 ? undefined : parseUsage(json.toString('utf8', open, end));
  if (usage === undefined) return undefined;
  if (json[before] === COMMA) return { usage, from: before, to: end };
  const after = skipSpaces(json, end);
  return { usage, from: at, to: json[after] === COMMA ? after + 1 : end };
}

function parseUsage(text: string): TokenUsage | undefined {
  // Undefined for something else of that name, cut where its own texts had braces.
  const value = parseJson(text);
  const chat = chatUsageSchema.safeParse(value);
  if (chat.success) {
    const { prompt_tokens, completion_tokens, prompt_tokens_details } = chat.data;
    return usageOf(prompt_tokens, completion_tokens ?? 0, prompt_tokens_details?.cached_tokens);
  }
  const responses = responsesUsageSchema.safeParse(value);
  if (!responses.success) return undefined;
  const { input_tokens, output_tokens, input_tokens_details } = responses.data;
  return usageOf(input_tokens, output_tokens, input_tokens_details?.cached_tokens);
}

function usageOf(promptTokens: number, completionTokens: number, cachedTokens: number | null | undefined) {
  return { promptTokens, completionTokens, cachedTokens: cachedTokens ?? undefined };
}

function skipSpaces(json: Buffer, from: number): number {
  let at = from;
  while (json[at] === SPACE) at += 1;
  return at;
}

function skipSpacesBack(json: Buffer, from: number): number {
  let at = from;
  while (json[at] === SPACE) at -= 1;
  return at;
}

/** Index after the brace that closes the one at `open`. A usage object holds no texts, so braces simply count. */
function objectEnd(json: Buffer, open: number): number {
  let depth = 0;
  for (let at = open; at < json.length; at++) {
    if (json[at] === OPEN) depth += 1;
    else if (json[at] === CLOSE && --depth === 0) return at + 1;
  }
  return -1;
}
