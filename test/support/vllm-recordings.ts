import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../fixtures/vllm');

/** A request as it went over the wire. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** An answer as it came over the wire, taken apart. */
export interface RecordedResponse {
  readonly statusLine: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Sizes of the chunks if the body was sent in chunks. */
  readonly chunks: readonly string[];
}

export interface Recording {
  readonly name: string;
  readonly request: RecordedRequest;
  readonly response: RecordedResponse;
}

const REQUEST = '--- request\n';
const RESPONSE = '--- response (raw)\n';
const CUT = '...[cut]';
const REPEATED = 'word ';

/** Text in which every byte is one character, so that lengths and offsets are those of the wire. */
const bytesAsText = (bytes: Buffer): string => bytes.toString('latin1');
const textOf = (bytesText: string): string => Buffer.from(bytesText, 'latin1').toString('utf8');

/**
 * Long bodies repeat one word; only their beginning and their length were kept.
 *
 * @param tail what follows the repeated words
 */
function restoreBody(beginning: string, length: number, tail: string): string {
  const prefix = beginning.slice(0, beginning.indexOf(REPEATED));
  const words = (length - prefix.length - tail.length) / REPEATED.length;
  return prefix + REPEATED.repeat(words) + tail;
}

function parseRequest(text: string, tail: string | undefined): RecordedRequest {
  const end = text.indexOf('\r\n\r\n');
  const [requestLine = '', ...headerLines] = text.slice(0, end < 0 ? undefined : end).split('\r\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const headers = headerLines
    .filter((line) => line.includes(': '))
    .map((line): [string, string] => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]);
  const rawBody = end < 0 ? '' : text.slice(end + 4).replace(/\n$/, '');
  const length = Number(headers.find(([name]) => name === 'Content-Length')?.[1] ?? 0);
  // A byte that is no UTF-8 was written down as U+FFFD.
  const body = rawBody.endsWith(CUT)
    ? restoreBody(rawBody, length, tail ?? '')
    : rawBody.length > length
      ? rawBody.replaceAll('\xef\xbf\xbd', '\xff')
      : rawBody;
  if (body.length !== length) throw new Error(`body of ${path}: ${body.length} bytes instead of ${length}`);
  return { method, path, headers, body: Buffer.from(body, 'latin1') };
}

function dechunk(body: string): { body: string; chunks: string[] } {
  const chunks: string[] = [];
  for (let rest = body; rest !== ''; ) {
    const lineEnd = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.slice(0, lineEnd), 16);
    if (!(size > 0)) break;
    chunks.push(textOf(rest.slice(lineEnd + 2, lineEnd + 2 + size)));
    rest = rest.slice(lineEnd + 2 + size + 2);
  }
  return { body: chunks.join(''), chunks };
}

/** Takes a raw HTTP answer apart. */
export function parseResponse(raw: Buffer): RecordedResponse {
  const text = bytesAsText(raw);
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const rawBody = text.slice(end + 4);
  if (headers.get('transfer-encoding') === 'chunked') return { statusLine, headers, ...dechunk(rawBody) };
  const length = Number(headers.get('content-length') ?? rawBody.length);
  return { statusLine, headers, body: textOf(rawBody.slice(0, length)), chunks: [] };
}

/** Names of all files of a set, without `.txt`. */
export const recordingNames = (set: '0.32.0-cpu'): readonly string[] =>
  readdirSync(join(FOLDER, set))
    .filter((file) => file.endsWith('.txt'))
    .map((file) => file.slice(0, -'.txt'.length))
    .sort();

/** The text of any file of the recordings. */
export const recordedText = (path: string): string => readFileSync(join(FOLDER, path), 'utf8');

/** True for a request with its answer, false for the notes of a scenario. */
export const isExchange = (name: string): boolean =>
  recordedText(`0.32.0-cpu/${name}.txt`).includes(RESPONSE);

/**
 * Reads a recording of vLLM 0.32.0.
 *
 * @param tail the end of the body, for bodies that were cut
 */
export function readRecording(name: string, tail?: string): Recording {
  const text = bytesAsText(readFileSync(join(FOLDER, `0.32.0-cpu/${name}.txt`)));
  const [, afterHead = ''] = text.split(REQUEST);
  const split = afterHead.indexOf(RESPONSE);
  const response = afterHead.slice(split + RESPONSE.length);
  return {
    name,
    request: parseRequest(afterHead.slice(0, split), tail),
    response: parseResponse(Buffer.from(response, 'latin1')),
  };
}

/**
 * Sends a request over a connection of its own and reads until the server closes it.
 *
 * @param onText called with all that has come so far whenever more comes
 */
export function replay(
  port: number,
  { method, path, headers, body }: RecordedRequest,
  onText: (soFar: string) => void = () => {},
): Promise<RecordedResponse> {
  const sent = headers.filter(
    ([name]) => name !== 'Host' && name !== 'Content-Length' && name !== 'Connection',
  );
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: close',
    ...sent.map(([name, value]) => `${name}: ${value}`),
    ...(body.length > 0 ? [`Content-Length: ${body.length}`] : []),
  ];
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      socket.write(body);
    });
    socket.on('data', (chunk) => {
      received.push(chunk);
      onText(Buffer.concat(received).toString('utf8'));
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(parseResponse(Buffer.concat(received))));
  });
}

/** The events of a stream: name, if any, and data. Comment lines are events named `:`. */
export function parseEvents(body: string): { readonly event: string | undefined; readonly data: string }[] {
  return body
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      if (block.startsWith(':')) return { event: ':', data: block.slice(1).trim() };
      const lines = block.split('\n');
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      return { event: field('event'), data: field('data') ?? '' };
    });
}
