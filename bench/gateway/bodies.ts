import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Seat } from '../../src/gateway/identity/seat.ts';
import type { JsonObject } from '../../src/gateway/request/body.ts';
import { prepareRequest } from '../../src/gateway/request/prepare.ts';
import { ENDPOINTS } from '../../src/gateway/request/schemas/endpoint.ts';
import { openingOf } from '../../src/timetable/opening.ts';
import { spreadOf } from '../report/statistics.ts';

/**
 * What the gateway spends on the body of a chat: parsing, the schema alone, and everything from the parsed body to the
 * one that an engine gets.
 */

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, json: { type: 'string' } },
});
const rounds = Number(flags.rounds);

const CHAT = '/v1/chat/completions';
/** Time for one round of a case: long enough for the clock, short enough for many rounds. */
const ROUND_MS = 100;

const LIMITS = {
  requestsPerMinute: 30,
  tokensPerMinute: 100_000,
  concurrentRequests: 2,
  maxOutputTokens: 1024,
};

const SEAT: Seat = {
  key: 'school/python-101-alice',
  studentId: 'alice',
  weight: 1,
  limits: LIMITS,
  classLimits: {},
  opening: openingOf({ access: 'Open' }, 0),
  cacheSalt: 'x'.repeat(43),
  classroom: {
    key: 'school/python-101',
    name: 'python-101',
    servedName: 'qwen',
    modelNames: ['qwen', 'gpt-4o'],
    adapters: [],
    maxModelLen: 4096,
    timeZone: 'Europe/Zurich',
    access: 'Open',
    limits: { perStudent: LIMITS, classroom: {} },
    createdSeconds: 1_700_000_000,
  },
};

const SENTENCE = 'The quick brown fox jumps over the lazy dog. ';
const text = (bytes: number): string => SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length)).slice(0, bytes);
const turns = (count: number, bytes: number): JsonObject[] =>
  Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: text(bytes),
  }));
const TOOL = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Tells the weather of a city',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string', description: 'Its name' },
        unit: { type: 'string', enum: ['C', 'F'] },
      },
      required: ['city'],
    },
  },
};
const SETTINGS = { model: 'qwen', max_tokens: 200, temperature: 0.7, stream: true };

const CASES: Readonly<Record<string, JsonObject>> = {
  '1 KB, 2 messages': { ...SETTINGS, messages: turns(2, 450) },
  '1 KB, with fields to drop': { ...SETTINGS, user: 'alice', logit_bias: {}, messages: turns(2, 450) },
  '3 KB, 8 tools': { ...SETTINGS, messages: turns(2, 450), tools: Array(8).fill(TOOL) },
  '100 KB, 2 messages': { ...SETTINGS, messages: turns(2, 50_000) },
  '100 KB, 200 messages': { ...SETTINGS, messages: turns(200, 480) },
};

/** µs of one call: median and range over the rounds. */
function measure(work: () => void): { median: number; min: number; max: number } {
  const samples = Array.from({ length: rounds + 1 }, () => {
    let calls = 0;
    const startMs = performance.now();
    let elapsedMs = 0;
    for (; elapsedMs < ROUND_MS; elapsedMs = performance.now() - startMs) {
      for (let call = 0; call < 50; call++) work();
      calls += 50;
    }
    return (elapsedMs * 1000) / calls;
  });
  // The first one warms up.
  const { median, min, max } = spreadOf(samples.slice(1));
  return { median, min, max };
}

const results = Object.entries(CASES).map(([name, body]) => {
  const json = JSON.stringify(body);
  const prepare = (): void => {
    const preparation = prepareRequest(CHAT, { ...body }, SEAT);
    if (!preparation.ok) throw new Error(preparation.refusal.message);
  };
  return {
    name,
    bytes: Buffer.byteLength(json),
    parse: measure(() => JSON.parse(json)),
    schema: measure(() => ENDPOINTS[CHAT].schema.safeParse(body)),
    prepare: measure(prepare),
  };
});

console.log('µs of one body, median (range)\n');
console.log('| body | JSON.parse | schema | check, rewrite and write |\n|---|---|---|---|');
for (const { name, parse, schema, prepare } of results) {
  const cells = [parse, schema, prepare].map(
    ({ median, min, max }) => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`,
  );
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ rounds, results }, null, 2)}\n`);
