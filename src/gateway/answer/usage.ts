import { z } from 'zod';

/** Tokens of one request as the engine counted them. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens that came from the prefix cache, where the engine tells. */
  readonly cachedTokens: number | undefined;
}

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

/**
 * Finds the usage in a piece of JSON without parsing the rest: the last `"usage": {…}` that has token counts.
 *
 * Text that a model or a client wrote cannot imitate it: inside a JSON string every quote is escaped, so the bytes
 * `,"usage":` are always a key. Keys named so elsewhere (a tool's schema that an answer repeats) come before the
 * engine's own, which is why the last one counts.
 */
export function findUsage(json: Buffer): TokenUsage | undefined {
  for (let at = json.lastIndexOf('"usage"'); at > 0; at = json.lastIndexOf('"usage"', at - 1)) {
    const usage = usageAt(json, at);
    if (usage !== undefined) return usage;
  }
  return undefined;
}

function usageAt(json: Buffer, at: number): TokenUsage | undefined {
  if (!isKeyStart(json, at)) return undefined;
  const colon = skipSpaces(json, at + '"usage"'.length);
  if (json[colon] !== COLON) return undefined;
  const open = skipSpaces(json, colon + 1);
  const end = json[open] === OPEN ? objectEnd(json, open) : -1;
  return end < 0 ? undefined : parseUsage(json.toString('utf8', open, end));
}

function parseUsage(text: string): TokenUsage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Something else of that name, cut where its own texts had braces.
    return undefined;
  }
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

const [OPEN, CLOSE, COLON, COMMA, SPACE] = [0x7b, 0x7d, 0x3a, 0x2c, 0x20];

/** A key follows `{` or `,`; a text that happens to read `"usage"` follows a colon or a bracket. */
function isKeyStart(json: Buffer, at: number): boolean {
  let before = at - 1;
  while (json[before] === SPACE) before -= 1;
  return json[before] === COMMA || json[before] === OPEN;
}

function skipSpaces(json: Buffer, from: number): number {
  let at = from;
  while (json[at] === SPACE) at += 1;
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
