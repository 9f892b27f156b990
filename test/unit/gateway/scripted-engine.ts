import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { JsonObject } from '../../../src/gateway/request/body.ts';

/** One request as the engine got it, and the answer a test gives. */
export interface EngineCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: JsonObject;
  readonly response: ServerResponse;
  /** The gateway has closed the connection before the answer was complete. */
  readonly cancelled: boolean;
}

/** An engine whose every byte a test decides. */
export interface ScriptedEngine {
  readonly url: string;
  readonly calls: readonly EngineCall[];
  /** Paths of what the gateway asked on its own account: `/health`, `/metrics` and `/v1/models`. */
  readonly asked: readonly string[];
  /** What it is told then: a status, and texts. */
  readonly telling: { health: number; metrics: string; models: string };
  /** Connections that are open now. */
  readonly connections: number;
  /** Takes no more connections; those that are open stay. */
  refuseConnections(): Promise<void>;
  close(): Promise<void>;
}

export const CHAT_ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'qwen',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, total_tokens: 5, completion_tokens: 2 },
};

export const tokenFrame = (text: string): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'qwen', choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
export const USAGE_FRAME =
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2}}\n\n';
export const DONE_FRAME = 'data: [DONE]\n\n';

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
}

/** Answers as a healthy engine does, streaming or not. */
export function answerWell({ body, response }: EngineCall): void {
  if (body.stream !== true) {
    answerJson(response, 200, CHAT_ANSWER);
    return;
  }
  beginStream(response);
  response.end(tokenFrame('Hel') + tokenFrame('lo.') + USAGE_FRAME + DONE_FRAME);
}

/** @param script called for each request, once its body is there */
export async function startScriptedEngine(
  script: (call: EngineCall) => void = answerWell,
): Promise<ScriptedEngine> {
  const calls: EngineCall[] = [];
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const telling = { health: 200, metrics: '', models: '' };
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      asked.push(request.url ?? '');
      const isHealth = request.url === '/health';
      const text = request.url === '/v1/models' ? telling.models : telling.metrics;
      response.writeHead(isHealth ? telling.health : 200).end(isHealth ? '' : text);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const call: EngineCall = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(Buffer.concat(chunks).toString('utf8')),
        response,
        get cancelled() {
          return response.destroyed && !response.writableFinished;
        },
      };
      calls.push(call);
      script(call);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    asked,
    telling,
    get connections() {
      return sockets.size;
    },
    refuseConnections: () => new Promise((resolve) => server.close(() => resolve())),
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
