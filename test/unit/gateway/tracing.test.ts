import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { createOtlpTracing } from '../../../src/gateway/tracing/otlp.ts';
import { parseTraceparent } from '../../../src/gateway/tracing/traceparent.ts';
import type { Tracing } from '../../../src/gateway/tracing/tracing.ts';
import { listenOn } from '../../../src/http/listen.ts';
import { ALICE_KEY } from './builders.ts';
import { askJson, CHAT, startWorld, type World } from './gateway-world.ts';
import { type LogLine, recordingLogger } from './recording-logger.ts';
import { answerWell, type ScriptedEngine, startScriptedEngine } from './scripted-engine.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT_ID = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;

const attributesSchema = z.array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }));
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  status: z.object({ code: z.number().optional() }),
  attributes: attributesSchema,
});
/** https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/collector/trace/v1/trace_service.proto */
const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});

function valuesOf(attributes: z.infer<typeof attributesSchema>): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

describe('with a collector', () => {
  let collector: Server;
  let bodies: string[];
  let status: number;
  let endpoint: string;
  let log: LogLine[];
  let engine: ScriptedEngine;
  let world: World;
  let tracing: Tracing;

  beforeEach(async () => {
    bodies = [];
    log = [];
    status = 200;
    collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        bodies.push(Buffer.concat(chunks).toString());
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      });
    });
    const { authority } = await listenOn(collector, { host: '127.0.0.1', port: 0 });
    endpoint = `http://${authority}/v1/traces`;
    engine = await startScriptedEngine(answerWell);
  });

  afterEach(async () => {
    await world.stop();
    await engine.close();
    collector.closeAllConnections();
    collector.close();
  });

  async function start({ trustClients = false } = {}): Promise<void> {
    tracing = createOtlpTracing({ endpoint, trustClients, log: recordingLogger(log) });
    world = await startWorld({ engines: [engine.url], tracing });
  }

  /** All that was sent, once nothing more will be. */
  async function spans() {
    await tracing.close();
    const exports = bodies.flatMap((body) => exportSchema.parse(JSON.parse(body)).resourceSpans);
    return exports.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  }

  test('each request is one span, which the engine is given as its parent', async () => {
    await start();
    const answer = await askJson(world, CHAT, { headers: { traceparent: TRACEPARENT } });
    const [span, ...more] = await spans();
    expect(more).toEqual([]);
    expect(span).toMatchObject({ name: 'POST /v1/chat/completions', kind: 2 });
    expect(valuesOf(span?.attributes ?? [])).toMatchObject({
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'gen_ai.usage.input_tokens': 3,
      'gen_ai.usage.output_tokens': 2,
      'gpu_classroom.classroom': 'school/python-101',
      'gpu_classroom.outcome': 'completed',
      'gpu_classroom.request_id': answer.headers['x-request-id'],
    });
    expect(engine.calls[0]?.headers.traceparent).toBe(`00-${span?.traceId}-${span?.spanId}-01`);
    expect([span?.traceId === TRACE_ID, span?.parentSpanId]).toEqual([false, undefined]);
  });

  test("a trusted client's trace goes on", async () => {
    await start({ trustClients: true });
    await askJson(world, CHAT, { headers: { traceparent: TRACEPARENT } });
    await askJson(world, CHAT, { headers: { traceparent: 'nonsense' } });
    const [first, second] = await spans();
    expect(first).toMatchObject({ traceId: TRACE_ID, parentSpanId: PARENT_ID });
    expect(second?.parentSpanId).toBeUndefined();
  });

  test('no span has a prompt, an answer, a key or a student', async () => {
    await start();
    await askJson(world, { ...CHAT, messages: [{ role: 'user', content: 'a secret prompt' }] });
    await askJson(world, { ...CHAT, model: 'secret-model' }, { path: '/v1/chat/completions?x=secret-query' });
    await askJson(world, CHAT, { path: '/v1/secret-path', method: 'POST' });
    await spans();
    expect(bodies.join()).not.toMatch(new RegExp(`secret|alice|Hello|${ALICE_KEY}`, 'i'));
    expect(bodies.join()).toContain('"model_not_found"');
  });

  test('a failure of the engine is an error, a mistake of the student is none', async () => {
    await start();
    await askJson(world, { ...CHAT, model: 'other' });
    await engine.close();
    await askJson(world, CHAT);
    const [mistake, failure] = await spans();
    expect([mistake?.status.code, failure?.status.code]).toEqual([0, 2]);
  });

  test('that refuses, the log says that traces are lost, and students are served', async () => {
    await start();
    status = 400;
    expect((await askJson(world, CHAT)).status).toBe(200);
    await tracing.close();
    expect(log.map(({ message }) => message)).toEqual(['Traces could not be sent']);
  });
});

test('without tracing the engine is given no trace', async () => {
  const engine = await startScriptedEngine(answerWell);
  const world = await startWorld({ engines: [engine.url] });
  await askJson(world, CHAT, { headers: { traceparent: TRACEPARENT } });
  expect(engine.calls[0]?.headers.traceparent).toBeUndefined();
  await world.stop();
  await engine.close();
});

test.each<[string, boolean]>([
  [TRACEPARENT, true],
  [`01-${TRACE_ID}-${PARENT_ID}-00-more`, true],
  [`00-${TRACE_ID}-${PARENT_ID}-00-more`, false],
  [`ff-${TRACE_ID}-${PARENT_ID}-00`, false],
  [`00-${'0'.repeat(32)}-${PARENT_ID}-00`, false],
  [`00-${TRACE_ID}-${'0'.repeat(16)}-00`, false],
  [`00-${TRACE_ID.toUpperCase()}-${PARENT_ID}-00`, false],
  ['', false],
])('%s is a parent: %s', (header, want) => {
  expect(parseTraceparent(header) !== undefined).toBe(want);
});
