import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';

/** What went over the wire of one request to an engine. */
export interface TappedRequest {
  /** The body as the engine got it. */
  readonly body: string;
  /** Which start of the engine had it, from 1. */
  readonly start: number;
  /** Status of the answer; 0 while there is none. */
  status: number;
  /** The engine's last count that passed; zeros when there was none. */
  usage: UsageCount;
  /** `whole`: the engine ended its answer. `cut`: a side was gone before. Undefined while it runs. */
  ended: 'whole' | 'cut' | undefined;
}

/** Tokens as an engine counts them. */
export interface UsageCount {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/**
 * Stands before an engine and writes down what passes, without changing a byte. So what an engine was asked and has
 * said is known also after it was killed.
 */
export interface EngineTap extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly TappedRequest[];
  /** How often the engine was started. */
  readonly starts: number;
  /** Those that have begun and not ended. */
  readonly running: ReadonlySet<TappedRequest>;
  /** Called after each beginning, once all ends that came before it have been read. */
  onBegun: (() => void) | undefined;
  /** From now on passes all to an engine on this port. */
  open(enginePort: number): Promise<void>;
  /** Refuses connections and breaks those that are open, as the engine's port does when its process is gone. */
  close(): Promise<void>;
}

const NOTHING: UsageCount = { promptTokens: 0, completionTokens: 0 };
const USAGE = /"usage":\{"prompt_tokens":(\d+),"total_tokens":\d+,"completion_tokens":(\d+)/g;
/**
 * Turns of the event loop after which a connection that was closed before has ended here too: reading that, and
 * closing this side, take some. Together they are far shorter than any answer.
 */
const ROUNDS_TO_CLOSE = 20;
/** Longer than a usage, so that one that is cut in two by a chunk is found with the next. */
const TAIL = 128;

/** Reads the last count of tokens from pieces of an answer; give it each one as it comes. */
export function usageReader(): { read(piece: string): void; readonly usage: UsageCount | undefined } {
  let tail = '';
  let usage: UsageCount | undefined;
  return {
    read(piece) {
      const text = tail + piece;
      for (const [, prompt, completion] of text.matchAll(USAGE)) {
        usage = { promptTokens: Number(prompt), completionTokens: Number(completion) };
      }
      tail = text.slice(-TAIL);
    },
    get usage() {
      return usage;
    },
  };
}

/** A tap on a port of its own, which stays the same; closed until it is opened. */
export async function createEngineTap(): Promise<EngineTap> {
  const requests: TappedRequest[] = [];
  const running = new Set<TappedRequest>();
  let url = '';
  let enginePort = 0;
  let starts = 0;
  let server: Server | undefined;

  const tap: EngineTap = {
    get url() {
      return url;
    },
    requests,
    running,
    get starts() {
      return starts;
    },
    onBegun: undefined,
    async open(port) {
      enginePort = port;
      starts += 1;
      await listen(Number(new URL(url).port));
    },
    async close() {
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      const closed = once(closing, 'close');
      closing.close();
      closing.closeAllConnections();
      await closed;
    },
    [Symbol.asyncDispose]: () => tap.close(),
  };

  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const tapped: TappedRequest = {
      body: body.toString('utf8'),
      start: starts,
      status: 0,
      usage: NOTHING,
      ended: undefined,
    };
    if (incoming.method === 'POST') {
      requests.push(tapped);
      // Whoever asked may be gone already, and would not be heard to go any more.
      if (outgoing.closed) {
        tapped.ended = 'cut';
        return;
      }
      running.add(tapped);
      void tell();
    }
    relay(incoming, outgoing, body, enginePort, tapped, () => running.delete(tapped));
  };

  const tell = async (): Promise<void> => {
    for (let round = 0; round < ROUNDS_TO_CLOSE; round++) await setImmediate();
    tap.onBegun?.();
  };

  const listen = async (port: number): Promise<Server> => {
    const opened = createServer((incoming, outgoing) => {
      pass(incoming, outgoing).catch(() => outgoing.destroy());
    });
    server = opened;
    opened.listen(port, '127.0.0.1');
    await once(opened, 'listening');
    return opened;
  };

  const address = (await listen(0)).address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  await tap.close();
  url = `http://127.0.0.1:${address.port}`;
  return tap;
}

function relay(
  { method, url, headers }: IncomingMessage,
  outgoing: ServerResponse,
  body: Buffer,
  port: number,
  tapped: TappedRequest,
  onEnd: () => void,
): void {
  const end = (how: 'whole' | 'cut'): void => {
    tapped.ended ??= how;
    onEnd();
  };
  const upstream = request({ host: '127.0.0.1', port, method, path: url, headers, agent: false });
  upstream.on('error', () => outgoing.destroy());
  upstream.on('response', (answer) => {
    tapped.status = answer.statusCode ?? 0;
    outgoing.writeHead(tapped.status, answer.headers);
    outgoing.flushHeaders();
    const reader = usageReader();
    answer.on('data', (chunk: Buffer) => {
      reader.read(chunk.toString('latin1'));
      tapped.usage = reader.usage ?? NOTHING;
      outgoing.write(chunk);
    });
    answer.on('end', () => {
      end('whole');
      outgoing.end();
    });
    answer.on('error', () => outgoing.destroy());
  });
  outgoing.on('close', () => {
    end('cut');
    upstream.destroy();
  });
  upstream.end(body);
}
