import type { RequestCost } from '../limits/admission.ts';
import type { Ticket } from '../queue/dispatch-queue.ts';
import { printedBytes } from './json-walk.ts';
import type { ChatRequest } from './schemas/chat.ts';
import type { CompletionsRequest } from './schemas/completions.ts';
import type { EmbeddingsRequest } from './schemas/embeddings.ts';
import { SCHEMA_BOUNDS } from './schemas/json-schema.ts';
import type { MessagesRequest } from './schemas/messages.ts';
import type { ResponsesRequest } from './schemas/responses.ts';

/** What of a request becomes prompt. */
export interface PromptSize {
  /** UTF-8 bytes of all texts. */
  textBytes: number;
  /** UTF-8 bytes of what a chat template prints of tool definitions and calls, at most. */
  printedBytes: number;
  /** Tokens that came as such. */
  tokenIds: number;
  /** Turns of a chat, each of which the template frames; 0 when there is no template. */
  turns: number;
  hasTools: boolean;
  pictures: number;
  /** Prompts, each of which can fill a context. */
  prompts: number;
}

/**
 * What a chat template may add, in tokens. Bounds that were chosen, not measured: ChatML frames a turn with 5 tokens
 * (`<|im_start|>role\n…<|im_end|>\n`), default system prompts are mostly a few sentences, and so are the words that
 * introduce tools. A template with more of its own is charged all the same, at settlement.
 */
const TEMPLATE_TOKENS = { once: 256, perTurn: 32, withTools: 512 } as const;
/** The beginning and end marks of a prompt without a template. */
const MARK_TOKENS = 4;
/** Qwen2.5-VL's `max_pixels` of 12,845,056 at 28 × 28 pixels a token; other models take fewer. */
const PICTURE_TOKENS = 16_384;
/** A picture of 1000 × 1000 pixels in the same model. */
const EXPECTED_PICTURE_TOKENS = 1_280;
/** The rule of thumb for English: https://platform.openai.com/tokenizer */
const BYTES_PER_TOKEN = 4;
const EXPECTED_TURN_TOKENS = 5;

/**
 * The most tokens that the prompt can be. Tokenizers work on bytes: each token stands for at least one. An engine
 * refuses what exceeds its context, so no prompt is more than that.
 */
export function mostPromptTokens(size: PromptSize, maxModelLen: number): number {
  const template =
    size.turns === 0
      ? MARK_TOKENS * size.prompts
      : TEMPLATE_TOKENS.once +
        TEMPLATE_TOKENS.perTurn * size.turns +
        (size.hasTools ? TEMPLATE_TOKENS.withTools : 0);
  const tokens =
    size.textBytes + size.printedBytes + size.tokenIds + size.pictures * PICTURE_TOKENS + template;
  return Math.min(tokens, size.prompts * maxModelLen);
}

/** What the prompt will probably count, at least 1. */
export function expectedPromptTokens(size: PromptSize, maxModelLen: number): number {
  // Tool definitions are counted with the indentation that only some templates print.
  const bytes = size.textBytes + size.printedBytes / 2;
  const tokens =
    Math.ceil(bytes / BYTES_PER_TOKEN) +
    size.tokenIds +
    size.turns * EXPECTED_TURN_TOKENS +
    size.pictures * EXPECTED_PICTURE_TOKENS;
  return Math.max(1, Math.min(tokens, size.prompts * maxModelLen));
}

/** What admission must know of a request. */
export function costOf(
  model: string,
  size: PromptSize,
  output: { readonly tokens: number; readonly answers: number },
  maxModelLen: number,
): RequestCost {
  return {
    model,
    promptTokens: mostPromptTokens(size, maxModelLen),
    expectedPromptTokens: expectedPromptTokens(size, maxModelLen),
    outputTokens: output.tokens,
    answers: output.answers,
  };
}

/** What the queue must know of a request. Answers to one prompt share its part of the KV cache. */
export function ticketOf(
  cost: RequestCost,
  bodyBytes: number,
): Pick<Ticket, 'promptTokens' | 'kvTokens' | 'bodyBytes'> {
  const { expectedPromptTokens: promptTokens, outputTokens, answers } = cost;
  return { promptTokens, kvTokens: promptTokens + outputTokens * answers, bodyBytes };
}

function emptySize(): PromptSize {
  return {
    textBytes: 0,
    printedBytes: 0,
    tokenIds: 0,
    turns: 0,
    hasTools: false,
    pictures: 0,
    prompts: 1,
  };
}

function addText(size: PromptSize, text: string | null | undefined): void {
  if (text) size.textBytes += Buffer.byteLength(text);
}

/** Arguments of a call arrive as JSON text, and a template prints them anew: with a space after each mark. */
function addArguments(size: PromptSize, json: string): void {
  size.printedBytes += 2 * Buffer.byteLength(json);
}

function addPrinted(size: PromptSize, value: unknown): void {
  size.printedBytes += printedBytes(value, SCHEMA_BOUNDS.depth + DEFINITION_DEPTH);
}

/** Levels around the parameters of a tool: the list, the tool, its function. */
const DEFINITION_DEPTH = 4;

function addTools(size: PromptSize, tools: readonly unknown[] | null | undefined): void {
  if (!tools || tools.length === 0) return;
  size.hasTools = true;
  addPrinted(size, tools);
}

export function chatPrompt({ messages, tools, response_format }: ChatRequest): PromptSize {
  const size = emptySize();
  size.turns = messages.length;
  for (const message of messages) {
    addParts(size, message.content ?? '');
    addText(size, message.name);
    if (message.role === 'tool') addText(size, message.tool_call_id);
    if (message.role !== 'assistant') continue;
    addText(size, message.refusal);
    addText(size, message.reasoning);
    addText(size, message.reasoning_content);
    for (const call of message.tool_calls ?? []) {
      addText(size, call.id);
      addText(size, call.function.name);
      addArguments(size, call.function.arguments);
    }
  }
  addTools(size, tools);
  if (response_format?.type === 'json_schema') addPrinted(size, response_format.json_schema);
  return size;
}

export function completionsPrompt({ prompt }: CompletionsRequest): PromptSize {
  const size = emptySize();
  addPrompts(size, prompt);
  return size;
}

export function embeddingsPrompt({ input }: EmbeddingsRequest): PromptSize {
  const size = emptySize();
  if (Array.isArray(input) && typeof input[0] !== 'number') size.prompts = input.length;
  addPrompts(size, input);
  return size;
}

function addPrompts(
  size: PromptSize,
  prompts: string | readonly (string | number | readonly number[])[],
): void {
  if (typeof prompts === 'string') {
    addText(size, prompts);
    return;
  }
  for (const prompt of prompts) {
    if (typeof prompt === 'string') addText(size, prompt);
    else size.tokenIds += typeof prompt === 'number' ? 1 : prompt.length;
  }
}

export function responsesPrompt({ input, instructions, tools, text }: ResponsesRequest): PromptSize {
  const size = emptySize();
  addText(size, instructions);
  size.turns = instructions ? 1 : 0;
  if (typeof input === 'string') {
    addText(size, input);
    size.turns += 1;
  } else {
    size.turns += input.length;
    for (const item of input) addItem(size, item);
  }
  addTools(size, tools);
  if (text?.format?.type === 'json_schema') addPrinted(size, text.format);
  return size;
}

function addItem(size: PromptSize, item: Exclude<ResponsesRequest['input'], string>[number]): void {
  switch (item.type) {
    case undefined:
    case 'message':
      addParts(size, item.content);
      return;
    case 'function_call':
      addText(size, item.call_id);
      addText(size, item.name);
      addArguments(size, item.arguments);
      return;
    case 'function_call_output':
      addText(size, item.call_id);
      addParts(size, item.output);
      return;
    case 'reasoning':
      addParts(size, item.summary);
      addParts(size, item.content ?? []);
      addText(size, item.encrypted_content);
      return;
  }
}

/** A part with a text, one with a refusal, or else a picture. */
type Part = { readonly type: string } & (
  | { readonly text: string }
  | { readonly refusal: string }
  | { readonly image_url: unknown }
  | { readonly source: unknown }
);

function addParts(size: PromptSize, parts: string | readonly Part[]): void {
  if (typeof parts === 'string') {
    addText(size, parts);
    return;
  }
  for (const part of parts) {
    if ('text' in part) addText(size, part.text);
    else if ('refusal' in part) addText(size, part.refusal);
    else size.pictures += 1;
  }
}

export function messagesPrompt({ messages, system, tools }: MessagesRequest): PromptSize {
  const size = emptySize();
  size.turns = system ? 1 : 0;
  addParts(size, system ?? '');
  for (const { content } of messages) {
    size.turns += 1;
    if (typeof content === 'string') {
      addText(size, content);
      continue;
    }
    for (const block of content) addBlock(size, block);
  }
  addTools(size, tools);
  return size;
}

function addBlock(
  size: PromptSize,
  block: Exclude<MessagesRequest['messages'][number]['content'], string>[number],
): void {
  switch (block.type) {
    case 'text':
      addText(size, block.text);
      return;
    case 'image':
      size.pictures += 1;
      return;
    case 'tool_use':
      addText(size, block.id);
      addText(size, block.name);
      addPrinted(size, block.input);
      return;
    case 'tool_result':
      // The engine makes a turn of its own from each.
      size.turns += 1;
      addText(size, block.tool_use_id);
      addParts(size, block.content ?? '');
      return;
    case 'thinking':
      addText(size, block.thinking);
      return;
    case 'redacted_thinking':
      return;
  }
}
