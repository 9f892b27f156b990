import { type EngineError, parseEngineError } from '../engines/errors.ts';
import { errorBody, type Refusal } from '../errors.ts';
import type { UsageShown } from '../request/prepare.ts';
import type { TokenUsage } from '../token-usage.ts';
import { ABORT_FAILURE, type AnswerRelay } from './answer-relay.ts';
import { isAnyAt, isAt } from './byte-mark.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { FrameScan } from './frame-scan.ts';
import { type FoundUsage, findUsage, usageAt } from './usage.ts';

/** Frames larger than this are passed on in pieces, unread: nothing is held without a bound. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

const [LF, CR, LETTER_D, LETTER_E, OPEN_BRACE] = [0x0a, 0x0d, 0x64, 0x65, 0x7b];
const ERROR_DATA = Buffer.from('data: {"error"');
const ERROR_EVENT = Buffer.from('event: error');
const DONE = Buffer.from('data: [DONE]');
const NO_CHOICES = Buffer.from('"choices":[]');
const CHOICE_INDEX = Buffer.from('"choices":[{"index":');
/** In the first chunk of a chat, which carries no token. */
const ROLE = Buffer.from('"delta":{"role"');
const DATA_LENGTH = 'data: '.length;

/** The kinds of streams, by what their frames look like. */
type Dialect = 'chunks' | 'responses' | 'messages';

interface EventMarks {
  /** Frames of which each carries about one token. */
  readonly text: readonly Buffer[];
  /** Frames that may carry usage of the engine's own. */
  readonly usage: readonly Buffer[];
  /** Those of them that carry the whole usage. */
  readonly final: readonly Buffer[];
  readonly end: readonly Buffer[];
}

const marks = (...names: string[]): Buffer[] => names.map((name) => Buffer.from(`event: ${name}`));

const RESPONSE_ENDS = marks('response.completed', 'response.incomplete', 'response.failed');

/** https://platform.openai.com/docs/api-reference/responses-streaming, https://docs.anthropic.com/en/api/messages-streaming */
const EVENTS: Record<Exclude<Dialect, 'chunks'>, EventMarks> = {
  responses: {
    text: marks(
      'response.output_text.delta',
      'response.reasoning_text.delta',
      'response.reasoning.delta',
      'response.function_call_arguments.delta',
      'response.refusal.delta',
    ),
    usage: RESPONSE_ENDS,
    final: RESPONSE_ENDS,
    end: RESPONSE_ENDS,
  },
  messages: {
    text: marks('content_block_delta'),
    usage: marks('message_start', 'message_delta'),
    final: marks('message_delta'),
    end: marks('message_stop'),
  },
};

export interface SseRelayOptions {
  /** Of the endpoint. */
  path: string;
  /** In which frames the client gets usage; only chat and completions can hide it. */
  usageShown: UsageShown;
  /** Answers (`n`) in this stream. */
  answers: number;
}

/**
 * For answers as server-sent events. Only whole frames are passed on, so that whatever happens to the engine, an
 * error event can follow; the last frame waits for the engine's end. Frames are searched for a few byte strings, not
 * parsed, and a chunk of which nothing must be cut is passed on as it is.
 *
 * Bytes that a model wrote cannot imitate the marks: inside a JSON string a quote is escaped and a line end too, so
 * a frame that begins with one was written by the engine.
 */
export function createSseRelay({ path, usageShown, answers }: SseRelayOptions): AnswerRelay {
  return new SseRelay(dialectOf(path), usageShown, answers > 1 ? new AnswerCounts() : undefined);
}

class SseRelay implements AnswerRelay {
  begun = false;
  usage: TokenUsage | undefined;
  failure: EngineError | undefined;
  readonly #events: EventMarks | undefined;
  readonly #shown: UsageShown;
  readonly #counts: AnswerCounts | undefined;
  readonly #frames = new FrameBuffer();
  readonly #scan = new FrameScan();
  #pieces = 0;
  #last: Buffer | undefined;
  /** The rest of a frame that was too large to hold is still to come. */
  #inHugeFrame = false;
  /** What is passed on of the chunk at hand: a copy without what was cut; undefined until something is. */
  #kept: Buffer | undefined;
  #keptBytes = 0;
  /** Bytes of the chunk before this index were either copied or cut. */
  #copiedTo = 0;

  constructor(dialect: Dialect, shown: UsageShown, counts: AnswerCounts | undefined) {
    this.#events = dialect === 'chunks' ? undefined : EVENTS[dialect];
    this.#shown = shown;
    this.#counts = counts;
  }

  get seenTokens(): number {
    return Math.max(this.usage?.completionTokens ?? 0, this.#pieces);
  }

  push(chunk: Buffer): Buffer | undefined {
    if (this.failure !== undefined) return undefined;
    const frames = this.#frames.push(chunk);
    if (frames !== undefined) return this.#inspect(frames);
    if (this.#frames.heldBytes <= MAX_HELD_BYTES) return undefined;
    const huge = this.#inspect(this.#frames.flush());
    this.#inHugeFrame = true;
    return huge;
  }

  end(): { readonly rest: Buffer | undefined; readonly complete: boolean } {
    const complete = this.#last !== undefined && this.#frames.heldBytes === 0 && !this.#inHugeFrame;
    return { rest: this.#last, complete };
  }

  /** @returns what the client gets of these frames */
  #inspect(data: Buffer): Buffer | undefined {
    this.#kept = undefined;
    this.#keptBytes = 0;
    this.#copiedTo = 0;
    const scan = this.#scan;
    for (let start = 0; start < data.length && this.failure === undefined; start = scan.end) {
      scan.scan(data, start);
      this.#inspectFrame(data, start, scan.end);
    }
    return this.#keptOf(data);
  }

  #inspectFrame(data: Buffer, start: number, end: number): void {
    if (this.#inHugeFrame) {
      this.#inHugeFrame = false;
      const found = this.#readUsage(data, end);
      if (found !== undefined && this.#shown !== 'every') this.#cut(data, found.from, found.to);
      return;
    }
    let at = start;
    while (data[at] === LF || data[at] === CR) at += 1;
    if (isAt(data, at, ERROR_DATA) || isAt(data, at, ERROR_EVENT)) {
      this.#fail(data, start, parseEngineError(200, dataOf(data.subarray(at, end))));
    } else if (this.#events === undefined && data[at] === LETTER_D && data[at + DATA_LENGTH] === OPEN_BRACE) {
      this.#inspectChunk(data, start, end);
    } else if (this.#events !== undefined) {
      if (data[at] === LETTER_E) this.#inspectEvent(this.#events, data, start, end, at);
    } else if (isAt(data, at, DONE)) {
      this.#holdBack(data, start, end);
    }
  }

  /** A chunk of chat or completions. */
  #inspectChunk(data: Buffer, start: number, end: number): void {
    this.begun = true;
    const found = this.#readUsage(data, end);
    if (found !== undefined && this.#counts !== undefined) {
      this.usage = this.#counts.total(data, start, found);
    }
    if (this.usage === undefined && !holds(data, start, end, ROLE)) this.#pieces += 1;
    if (this.#scan.abortedAt >= 0) this.#fail(data, start, ABORT_FAILURE);
    else if (found !== undefined) this.#hideUsage(data, start, end, found);
  }

  #inspectEvent(events: EventMarks, data: Buffer, start: number, end: number, at: number): void {
    this.begun = true;
    if (isAnyAt(data, at, events.text)) {
      this.#pieces += 1;
      return;
    }
    if (isAnyAt(data, at, events.usage)) {
      this.usage = findUsage(data.subarray(start, end))?.usage ?? this.usage;
      if (isAnyAt(data, at, events.final)) this.#pieces = 0;
    }
    if (isAnyAt(data, at, events.end)) this.#holdBack(data, start, end);
  }

  /** The end waits until the engine itself has ended its answer, and the caller lets it go. */
  #holdBack(data: Buffer, start: number, end: number): void {
    this.#last = Buffer.from(data.subarray(start, end));
    this.#cut(data, start, end);
  }

  #readUsage(data: Buffer, end: number): FoundUsage | undefined {
    const { usageKey } = this.#scan;
    const found = usageKey < 0 ? undefined : usageAt(data, usageKey);
    if (found === undefined || found.to > end) return undefined;
    this.usage = found.usage;
    return found;
  }

  #hideUsage(data: Buffer, start: number, end: number, found: FoundUsage): void {
    if (this.#shown === 'every') return;
    if (!hasNoChoices(data, start, end, found)) this.#cut(data, found.from, found.to);
    else if (this.#shown === 'none') this.#cut(data, start, end);
  }

  #fail(data: Buffer, start: number, failure: EngineError): void {
    this.failure = failure;
    this.#cut(data, start, data.length);
  }

  #cut(data: Buffer, from: number, to: number): void {
    this.#kept ??= Buffer.allocUnsafe(data.length);
    this.#keptBytes += data.copy(this.#kept, this.#keptBytes, this.#copiedTo, from);
    this.#copiedTo = to;
  }

  #keptOf(data: Buffer): Buffer | undefined {
    const kept = this.#kept;
    if (kept === undefined) return data;
    this.#kept = undefined;
    const length = this.#keptBytes + data.copy(kept, this.#keptBytes, this.#copiedTo);
    return length === 0 ? undefined : kept.subarray(0, length);
  }
}

/**
 * With several answers in one stream, vLLM's running usage is that of the answer whose chunk carries it; only the
 * last frame, which has no choices, has the sum.
 */
class AnswerCounts {
  readonly #tokens: number[] = [];

  /** @returns the usage of all answers so far */
  total(data: Buffer, start: number, { usage, from }: FoundUsage): TokenUsage {
    const choice = data.indexOf(CHOICE_INDEX, start);
    const at = choice + CHOICE_INDEX.length;
    const index = Number.parseInt(data.toString('latin1', at, at + 4), 10);
    if (choice < 0 || choice > from || Number.isNaN(index)) return usage;
    this.#tokens[index] = usage.completionTokens;
    const completionTokens = this.#tokens.reduce((sum, tokens) => sum + tokens, 0);
    return { ...usage, completionTokens };
  }
}

/** Whether answers of this endpoint consist of choices, each of which says why it finished. */
export function hasChoices(path: string): boolean {
  return dialectOf(path) === 'chunks';
}

function dialectOf(path: string): Dialect {
  if (path === '/v1/responses') return 'responses';
  return path === '/v1/messages' ? 'messages' : 'chunks';
}

/** Whether the frame only carries usage: vLLM writes `"choices":[]` right before it. */
function hasNoChoices(data: Buffer, start: number, end: number, { from }: FoundUsage): boolean {
  if (isAt(data, from - NO_CHOICES.length, NO_CHOICES)) return true;
  // By far the most frames end their choices here.
  if (data[from - 1] === 0x5d && data[from - 2] === 0x7d) return false;
  return /"choices":\s*\[\s*\]/.test(data.toString('latin1', start, end));
}

function holds(data: Buffer, start: number, end: number, mark: Buffer): boolean {
  const at = data.indexOf(mark, start);
  return at >= 0 && at < end;
}

/** The data of a frame, its lines joined. */
function dataOf(frame: Buffer): string {
  const lines = frame.toString('utf8').split(/\r?\n/);
  return lines
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length))
    .join('\n');
}

/** The event that tells a client why its stream ends early, in the form of the endpoint. */
export function errorEvent(refusal: Refusal, path: string): string {
  const body = errorBody(refusal, path);
  // Two line ends first: they finish a frame that a huge one may have left open, and mean nothing otherwise.
  if (dialectOf(path) === 'chunks') return `\n\ndata: ${body}\n\n`;
  const { code, message, param } = refusal;
  const event = JSON.stringify({ type: 'error', code, message, param, ...JSON.parse(body) });
  return `\n\nevent: error\ndata: ${event}\n\n`;
}
