import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';

/** An engine that costs nearly nothing: it streams recorded frames to whoever asks, and reads as little as it can. */
export interface FrameEngine {
  readonly url: string;
  /** Changes the pace from the next step on. */
  setStepMs(stepMs: number): void;
  close(): void;
}

export interface FrameEngineOptions {
  /** Frames with a token in each stream. */
  readonly frames: number;
  /**
   * Between two steps, ms; 0: as fast as the sockets take them. In a step every stream gets one frame, as in vLLM; its
   * first one comes at once.
   */
  readonly stepMs: number;
}

interface Stream {
  readonly socket: Socket;
  sent: number;
}

const HEAD =
  'HTTP/1.1 200 OK\r\ndate: Mon, 23 Nov 2026 05:43:52 GMT\r\nserver: uvicorn\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const usage = (tokens: number): string =>
  `"usage":{"prompt_tokens":17,"total_tokens":${17 + tokens},"completion_tokens":${tokens}`;

/** vLLM 0.32's frames, with the running usage that the gateway asks for. */
const frameWith = (token: number): string =>
  chunk(
    `data: {"id":"chatcmpl-bf2701faf3c80879","object":"chat.completion.chunk","created":1795412633,"model":"tiny","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null,"token_ids":null}],${usage(token)},"completion_tokens_details":null}}\n\n`,
  );
const END = (tokens: number): string =>
  `${chunk(`data: {"id":"chatcmpl-bf2701faf3c80879","object":"chat.completion.chunk","created":1795412633,"model":"tiny","choices":[],${usage(tokens)}},"system_fingerprint":"vllm-0.32.0-8f392315"}\n\n`)}${chunk('data: [DONE]\n\n')}0\r\n\r\n`;

/** Starts it on a free port of the loopback. */
export async function startFrameEngine({ frames, stepMs }: FrameEngineOptions): Promise<FrameEngine> {
  const made = Array.from({ length: frames }, (_, index) => Buffer.from(frameWith(index + 1)));
  const end = Buffer.from(END(frames));
  const running = new Set<Stream>();
  const sockets = new Set<Socket>();

  const step = (stream: Stream): void => {
    const frame = made[stream.sent++];
    if (frame !== undefined) {
      stream.socket.write(frame);
      return;
    }
    stream.socket.write(end);
    running.delete(stream);
  };
  let paceMs = stepMs;
  let timer: NodeJS.Timeout;
  const nextStep = (): void => {
    for (const stream of running) step(stream);
    timer = setTimeout(nextStep, Math.max(1, paceMs));
  };
  timer = setTimeout(nextStep, Math.max(1, paceMs));
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let asked = '';
    socket.on('data', (data) => {
      asked += data.toString('latin1');
      // The gateway sends nothing after the body, whose end is the end of the JSON.
      if (!asked.includes('\r\n\r\n') || !asked.endsWith('}')) return;
      asked = '';
      socket.write(HEAD);
      const stream = { socket, sent: 0 };
      step(stream);
      if (paceMs > 0) running.add(stream);
      else while (stream.sent <= frames) step(stream);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    setStepMs(stepMs) {
      paceMs = stepMs;
    },
    close() {
      clearTimeout(timer);
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
