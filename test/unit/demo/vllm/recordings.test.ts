import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AdapterFiles } from '../../../../src/demo/vllm/lora/adapters.ts';
import { startVllmSimulator, type VllmSimulator } from '../../../../src/demo/vllm/simulator.ts';
import { eventually } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import {
  isExchange,
  parseEvents,
  type RecordedResponse,
  readRecording,
  recordedText,
  recordingNames,
  replay,
} from '../../../support/vllm-recordings.ts';

/**
 * Every request recorded from vLLM 0.32.0 is sent to a simulator started as that vLLM was, and the answers are
 * compared: status, header names, content type, every error word by word, keys and types of everything else, the
 * framing, order and ends of streams, the names and labels of metrics.
 */

interface Difference {
  readonly recording: string;
  /** Where in the answer. */
  readonly at: string;
  readonly recorded: unknown;
  readonly simulated: unknown;
}

/** Every difference we accept, with the reason. One that no longer occurs fails the last test. */
const TOLERATED: readonly {
  readonly why: string;
  readonly when: (difference: Difference) => boolean;
}[] = [
  {
    why: 'the random model writes until it is stopped; our answers end by themselves and fit the context',
    when: ({ recording, at, recorded }) =>
      ['chat_max_tokens_null', 'd_prompt_plus_max_over', 'chat_json_schema'].includes(recording) &&
      at.endsWith('finish_reason') &&
      recorded === 'length',
  },
  {
    why: 'our first token already holds the stop string, so that no delta comes before the end',
    when: ({ recording, at }) => recording === 'chat_stop_stream' && at === 'events',
  },
];

/** Recordings that are not replayed, with the reason. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  dev_GET_is_paused: 'development mode is not played: the gateway never opens it',
  dev_POST_pause: 'development mode is not played',
  dev_POST_resume: 'development mode is not played',
  dev_POST_sleep: 'development mode is not played',
  dev_POST_wake_up: 'development mode is not played',
  generative_scoring: 'scoring is not played: no path of the gateway leads there',
  auth_nokey_POST_generative_scoring: 'scoring is not played',
  systemone: 'an endpoint of one model family, not played',
  auth_nokey_POST_scale_elastic_ep: 'elastic expert parallelism is not played',
  sigterm_default_chat_stream_queued: 'cut by a signal: see shutdown.test.ts',
  sigterm_default_chat_nonstream: 'cut by a signal: see shutdown.test.ts',
  sigterm_default_messages_nonstream: 'cut by a signal: see shutdown.test.ts',
  d_header_64k: 'only the beginning of the headers was kept: see "takes headers of any size"',
  d_header_1m: 'only the beginning of the headers was kept: see "takes headers of any size"',
  d_headers_300: 'only the beginning of the headers was kept: see "takes headers of any size"',
  lora_load_wrong_shape: 'the simulator does not read weights',
};

/** Ends of request bodies of which only the beginning was kept. */
const TAILS: Readonly<Record<string, string>> = {
  chat_prompt_too_long: '"}], "max_tokens": 8, "temperature": 0}',
  chat_prompt_too_long_stream: '"}], "max_tokens": 8, "temperature": 0, "stream": true}',
  completions_too_long: '", "max_tokens": 4}',
  d_body_10mb: '"}], "max_tokens": 2}',
  d_near_limit_1010: '"}], "max_tokens": 2}',
  d_near_limit_1017: '"}], "max_tokens": 2}',
  d_near_limit_1019: '"}], "max_tokens": 2}',
  d_near_limit_1020: '"}], "max_tokens": 2}',
  d_prompt_plus_max_over: '"}], "max_tokens": 2000}',
  tokenize_too_long: '"}',
};

const BASE = [
  '/srv/vllm/model',
  '--max-model-len',
  '2048',
  '--max-num-seqs',
  '8',
  '--block-size',
  '128',
  '--port',
  '0',
];
const LORA = ['--enable-lora', '--max-lora-rank', '16', '--max-loras', '1', '--max-cpu-loras', '2'];
const QUEUE_LIMIT = 4;

interface Group {
  readonly started: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly members: readonly string[];
}

const SIMULATOR = JSON.stringify({ loadSeconds: 0, speed: 100, gpuProfile: 'H100' });

const replayed = recordingNames('0.32.0-cpu').filter((name) => isExchange(name) && !(name in LEFT_OUT));
const named = (...prefixes: string[]): string[] =>
  replayed.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));

/** Recordings made while the engine was full, or over several requests: the tests below play them. */
const SCENARIOS = named('b_queue_', 'b_load_while_busy', 'lora_', 'b_cached_').filter(
  (name) => name !== 'lora_load_disabled',
);
const METRICS = ['metrics', 'b_metrics', 'auth_nokey_GET_metrics'];
const single = (names: string[]): string[] =>
  names.filter((name) => !SCENARIOS.includes(name) && !METRICS.includes(name));

const GUARDED_FLAGS = [
  ...['--served-model-name', 'tiny', '--api-key', 'sekret', '--scheduling-policy', 'priority'],
  ...[
    '--max-num-queued-reqs',
    String(QUEUE_LIMIT),
    '--enable-prompt-tokens-details',
    '--enable-request-id-headers',
  ],
  ...['--enable-force-include-usage', '--enable-server-load-tracking', '--disable-fastapi-docs'],
  ...['--sse-keep-alive-interval', '0.05'],
];

const guarded = single(named('auth_', 'b_'));
const aliased = single(named('d_'));
const plain = single(replayed).filter((name) => !guarded.includes(name) && !aliased.includes(name));

const GROUPS: readonly Group[] = [
  { started: 'with defaults', argv: [...BASE, '--served-model-name', 'tiny'], env: {}, members: plain },
  {
    started: 'with a key, priorities and all usage flags',
    argv: [...BASE, ...GUARDED_FLAGS],
    env: {},
    members: guarded,
  },
  {
    started: 'with two names',
    argv: [...BASE, '--served-model-name', 'tiny', 'alias2'],
    env: {},
    members: aliased,
  },
];

/** Adapter folders of the recordings. */
function recordedAdapters(path: string): AdapterFiles {
  const config = path.endsWith('lora_badjson') ? '{broken' : '{"r": 8}';
  if (path.endsWith('.json')) return { kind: 'file' };
  const exists = /(lora8[bc]?|lora_tmp|lora_badjson)$/.test(path);
  return exists ? { kind: 'directory', config, hasWeights: true } : { kind: 'missing' };
}

const start = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<VllmSimulator> =>
  startVllmSimulator({
    argv,
    env: { VLLM_SIMULATOR: SIMULATOR, ...env },
    inspectAdapter: recordedAdapters,
  });

// ---- comparison

/** Values that are compared; of all others the type is. */
const EXACT = new Set([
  ...[
    'object',
    'type',
    'role',
    'finish_reason',
    'stop_reason',
    'status',
    'index',
    'model',
    'owned_by',
    'parent',
  ],
  ...['max_model_len', 'version', 'server_load', 'is_scaling_elastic_ep', 'reason', 'output_index'],
]);
/** Whether there are any is compared. */
const ZERO_OR_NOT = new Set(['cached_tokens', 'created_cache_tokens']);

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

type Report = (at: string, recorded: unknown, simulated: unknown) => void;

function compareValues(at: string, key: string, recorded: unknown, simulated: unknown, report: Report): void {
  if (typeName(recorded) !== typeName(simulated)) {
    report(at, recorded, simulated);
  } else if (Array.isArray(recorded) && Array.isArray(simulated)) {
    if (recorded.length > 0 !== simulated.length > 0) report(at, recorded, simulated);
    // Lists of one kind of thing: lengths depend on the text.
    for (const [index, each] of simulated.entries()) {
      compareValues(`${at}[${index}]`, key, recorded[Math.min(index, recorded.length - 1)], each, report);
    }
  } else if (
    typeof recorded === 'object' &&
    recorded !== null &&
    typeof simulated === 'object' &&
    simulated !== null
  ) {
    const keys = Object.keys(recorded);
    if (keys.join() !== Object.keys(simulated).join()) report(`${at} keys`, keys, Object.keys(simulated));
    for (const each of keys) {
      compareValues(`${at}.${each}`, each, Reflect.get(recorded, each), Reflect.get(simulated, each), report);
    }
  } else if (EXACT.has(key) && recorded !== simulated) {
    report(at, recorded, simulated);
  } else if (ZERO_OR_NOT.has(key) && (recorded === 0) !== (simulated === 0)) {
    report(at, recorded, simulated);
  }
}

const PATH = /(\/srv\/vllm\/[\w./-]+|<path>)/g;
const withoutPaths = (text: string): string => text.replaceAll(PATH, '<path>');

/** Events by shape; deltas of one choice in a row count as one, because how many there are depends on the text. */
function compareStreams(recorded: RecordedResponse, simulated: RecordedResponse, report: Report): void {
  const [one, other] = [recorded, simulated].map(({ body }) => collapse(body));
  if (one === undefined || other === undefined) return;
  const kinds = (events: readonly StreamEvent[]): string => events.map(({ kind }) => kind).join(' ');
  if (kinds(one) !== kinds(other)) report('events', kinds(one), kinds(other));
  for (const [index, { kind, value }] of one.entries()) {
    const same = other.find((event, position) => event.kind === kind && position >= index);
    if (same !== undefined) compareValues(`events[${index}]`, '', value, same.value, report);
  }
  for (const chunk of simulated.chunks)
    if (!chunk.endsWith('\n\n')) report('framing', 'one event per chunk', chunk);
}

interface StreamEvent {
  readonly kind: string;
  readonly value: unknown;
}

function collapse(body: string): StreamEvent[] {
  const events: StreamEvent[] = [];
  for (const { event, data } of parseEvents(body)) {
    const value: unknown = data.startsWith('{') ? JSON.parse(data) : data;
    const kind = event ?? kindOf(value);
    // Choices take turns as they please.
    const seen =
      kind.includes('delta') && kind !== 'message_delta' && events.some((each) => each.kind === kind);
    if (!seen && !(kind === ':' && events.at(-1)?.kind === ':')) events.push({ kind, value });
  }
  return events;
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const choices: unknown = Reflect.get(value, 'choices');
  if (!Array.isArray(choices)) return 'error';
  const choice: unknown = choices[0];
  if (typeof choice !== 'object' || choice === null) return 'usage';
  const finish: unknown = Reflect.get(choice, 'finish_reason');
  const delta: unknown = Reflect.get(choice, 'delta');
  const hasRole = typeof delta === 'object' && delta !== null && 'role' in delta;
  const index = String(Reflect.get(choice, 'index'));
  if (hasRole) return `role${index}`;
  return finish === null ? `delta${index}` : `${String(finish)}${index}`;
}

function compareResponses(recorded: RecordedResponse, simulated: RecordedResponse, report: Report): void {
  if (recorded.statusLine !== simulated.statusLine)
    report('status', recorded.statusLine, simulated.statusLine);
  const names = ({ headers }: RecordedResponse): string => [...headers.keys()].sort().join();
  if (names(recorded) !== names(simulated)) report('header names', names(recorded), names(simulated));
  for (const name of [
    'content-type',
    'server',
    'vary',
    'allow',
    'connection',
    'access-control-allow-methods',
  ]) {
    const [one, other] = [recorded.headers.get(name), simulated.headers.get(name)];
    if (one !== other) report(`header ${name}`, one, other);
  }
  const isStream = recorded.headers.get('content-type')?.startsWith('text/event-stream');
  const isError = !recorded.statusLine.includes(' 200 ');
  const isJson =
    recorded.headers.get('content-type') === 'application/json' && simulated.body.startsWith('{');
  if (isStream) compareStreams(recorded, simulated, report);
  else if (isJson && !isError)
    compareValues('body', '', JSON.parse(recorded.body), JSON.parse(simulated.body), report);
  else if (withoutPaths(recorded.body) !== withoutPaths(simulated.body))
    report('body', recorded.body, simulated.body);
}

const occurred = new Set<string>();

/** Compares and takes away what is tolerated. */
function differences(name: string, recorded: RecordedResponse, simulated: RecordedResponse): Difference[] {
  const found: Difference[] = [];
  compareResponses(recorded, simulated, (at, one, other) => {
    const difference = { recording: name, at, recorded: one, simulated: other };
    const tolerated = TOLERATED.find(({ when }) => when(difference));
    if (tolerated === undefined) found.push(difference);
    else occurred.add(tolerated.why);
  });
  return found;
}

async function replayAndCompare(simulator: VllmSimulator, name: string): Promise<Difference[]> {
  const { request, response } = readRecording(name, TAILS[name]);
  return differences(name, response, await replay(simulator.port, request));
}

// ---- single requests

describe.each(GROUPS)('a simulator started $started answers as vLLM did', ({ argv, env, members }) => {
  let simulator: VllmSimulator;
  beforeAll(async () => {
    simulator = await start(argv, env);
  });
  afterAll(() => simulator.close());

  test.each(members)('%s', async (name) => {
    expect(await replayAndCompare(simulator, name)).toEqual([]);
  });
});

test('takes headers of any size, as recorded: 1 MB in one, and three hundred', async () => {
  const simulator = await start(BASE);
  const health = { method: 'GET', path: '/health', body: Buffer.alloc(0) };
  const many = Array.from({ length: 300 }, (_, index): [string, string] => [`X-H${index}`, 'v']);
  for (const headers of [[['X-Big', 'a'.repeat(1_000_000)] as const], many]) {
    expect((await replay(simulator.port, { ...health, headers })).statusLine).toBe('HTTP/1.1 200 OK');
  }
  await simulator.close();
});

// ---- several requests together

describe('a simulator with a key and a queue limit', () => {
  let simulator: VllmSimulator;
  beforeAll(async () => {
    simulator = await start([...BASE, ...GUARDED_FLAGS]);
  });
  afterAll(() => simulator.close());

  const send = (name: string): Promise<RecordedResponse> =>
    replay(simulator.port, readRecording(name).request);
  /** Starts requests that stay in the engine, which makes no step. */
  const fill = async (count: number): Promise<Promise<RecordedResponse>[]> => {
    simulator.setFailures({ engineStalled: true });
    const filling = Array.from({ length: count }, () => send('b_priority_5'));
    await eventually(
      'the requests are queued',
      () => simulator.engine.running + simulator.engine.waiting === count,
    );
    return filling;
  };
  const empty = async (filling: readonly Promise<RecordedResponse>[]): Promise<void> => {
    simulator.setFailures({});
    await Promise.all(filling);
  };

  test('tells cached tokens apart by salt', async () => {
    for (const name of [
      'b_cached_tokens_1',
      'b_cached_tokens_salt_a',
      'b_cached_tokens_salt_a2',
      'b_cached_stream',
    ]) {
      expect(await replayAndCompare(simulator, name)).toEqual([]);
    }
  });

  test('refuses what exceeds the queue and counts the load', async () => {
    const filling = await fill(QUEUE_LIMIT);
    const full = named('b_queue_full');
    expect(full.length).toBeGreaterThan(0);
    for (const name of full) expect(await replayAndCompare(simulator, name)).toEqual([]);
    const load = await send('b_load_while_busy');
    expect(JSON.parse(load.body)).toEqual({ server_load: QUEUE_LIMIT });
    await empty(filling);
  });

  test('sends comments while a stream waits', async () => {
    const filling = await fill(1);
    let seen = '';
    const waiting = replay(simulator.port, readRecording('b_queue_high0').request, (text) => {
      seen = text;
    });
    await eventually('a comment', () => seen.includes(': keep-alive'));
    await empty(filling);
    expect(differences('b_queue_high0', readRecording('b_queue_high0').response, await waiting)).toEqual([]);
  });

  test('answers a queued request as any other once there is room', async () => {
    for (const name of ['b_queue_flood1', 'b_queue_flood5', 'b_queue_flood7']) {
      expect(await replayAndCompare(simulator, name)).toEqual([]);
    }
  });
});

describe('a stream that passed the first check and found the queue full at the second', () => {
  test.each(['b_queue_flood2', 'b_queue_flood4'])(
    'carries the refusal under status 200: %s',
    async (name) => {
      const clock = new ManualClock();
      const simulator = await startVllmSimulator({
        argv: [...BASE, ...GUARDED_FLAGS, '--max-num-queued-reqs', '1', '--sse-keep-alive-interval', '0'],
        env: { VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0 }) },
        clock,
      });
      const late = { match: { times: 1 }, fault: { kind: 'SlowFirstToken', delayMs: 1000 } };
      simulator.setFailures({ engineStalled: true, requests: [late] });
      let seen = '';
      const { request, response } = readRecording(name);
      const refused = replay(simulator.port, request, (text) => {
        seen = text;
      });
      await eventually('headers', () => seen.includes('200 OK'));
      const first = replay(simulator.port, readRecording('b_priority_5').request);
      await eventually('the first request is queued', () => {
        clock.advance(0);
        return simulator.engine.waiting === 1;
      });
      clock.advance(1000);
      expect(differences(name, response, await refused)).toEqual([]);
      await simulator.close();
      await first;
    },
  );
});

// ---- adapters

/** Recordings in an order in which each finds what it found then; `-` lines are steps without a recording. */
const ADAPTER_STORY = [
  ...[
    'lora_models_0',
    'lora_chat_base',
    'lora_chat_static',
    'lora_load_bad_path',
    'lora_load_missing_fields',
  ],
  ...['lora_load_missing_name', 'lora_load_empty_name', 'lora_load_base_name', 'lora_load_bad_json'],
  ...['lora_load_file_path', 'lora_load_ok', 'lora_models_1', 'lora_chat_a8', 'lora_load_duplicate_same'],
  ...['lora_load_duplicate_other_path', 'lora_load_inplace', 'lora_chat_a8_after_inplace'],
  ...[
    'lora_load_inplace_new_name',
    'lora_load_relative',
    'lora_load_many_1',
    'lora_load_many_2',
    'lora_models_3',
    'lora_models_4',
  ],
  ...[
    'lora_load_while_busy',
    'lora_inplace_while_streaming',
    'lora_unload_while_streaming',
    'lora_chat_after_unload',
  ],
  ...['lora_unload_again', '- load a8', 'lora_chat_a8_reloaded', '- load m0', 'lora_unload_with_int_id'],
  ...['lora_unload_static', '- load A', 'lora_queued_request_after_unload', 'lora_unload_midstream'],
  ...[
    'lora_load_tmp',
    'lora_chat_tmp',
    '- load e0',
    'lora_evict_1',
    'lora_evict_2',
    '- load e3',
    'lora_evict_4',
  ],
  ...['lora_evict_chat_0', 'lora_evict_chat_2', 'lora_evict_chat_3', 'lora_models_6', '- delete lora_tmp'],
  ...['lora_chat_after_files_gone_and_evicted', 'lora_chat_base_after', 'lora_health_after'],
];

test('adapters are loaded, used, replaced, unloaded, refused, and kill the engine when their files are gone', async () => {
  const deleted = new Set<string>();
  const simulator = await startVllmSimulator({
    argv: [...BASE, '--served-model-name', 'tiny', ...LORA, '--lora-modules', 'static=/srv/vllm/lora8c'],
    env: {
      VLLM_SIMULATOR: SIMULATOR,
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: 'True',
      VLLM_KEEP_ALIVE_ON_ENGINE_DEATH: '1',
    },
    inspectAdapter: (path) => (deleted.has(path) ? { kind: 'missing' } : recordedAdapters(path)),
  });
  const story = new Set(ADAPTER_STORY.filter((step) => !step.startsWith('-')));
  expect(SCENARIOS.filter((name) => name.startsWith('lora_') && !story.has(name))).toEqual([]);
  for (const step of ADAPTER_STORY) {
    const [, verb, name] = step.split(' ');
    if (verb === 'load') {
      const { request } = readRecording('lora_load_ok');
      const body = Buffer.from(JSON.stringify({ lora_name: name, lora_path: '/srv/vllm/lora8' }));
      expect((await replay(simulator.port, { ...request, body })).statusLine).toContain('200');
    } else if (verb === 'delete') {
      deleted.add(`/srv/vllm/${name}`);
    } else {
      expect({ step, differences: await replayAndCompare(simulator, step) }).toEqual({
        step,
        differences: [],
      });
    }
  }
  await simulator.close();
});

// ---- metrics

interface MetricFamily {
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets: readonly string[];
}

/** Families of a metrics text with their label names and bucket bounds. */
function families(text: string): Map<string, MetricFamily> {
  const found = new Map<string, { type: string; help: string; labels: Set<string>; buckets: Set<string> }>();
  let current = { type: '', help: '', labels: new Set<string>(), buckets: new Set<string>() };
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      current = { type: '', help: rest, labels: new Set(), buckets: new Set() };
      found.set(name, current);
    } else if (kind === 'TYPE') {
      current.type = rest;
    } else {
      for (const [, label = '', value = ''] of line.matchAll(/(\w+)="([^"]*)"/g)) {
        if (label === 'le') current.buckets.add(value);
        else current.labels.add(label);
      }
    }
  }
  return new Map(
    [...found].map(([name, { type, help, labels, buckets }]) => [
      name,
      { type, help, labels: [...labels].sort(), buckets: [...buckets] },
    ]),
  );
}

test.each(METRICS)('%s has no family, label or bucket that the simulator lacks', async (name) => {
  const flags = name === 'metrics' ? ['--served-model-name', 'tiny'] : GUARDED_FLAGS;
  const simulator = await start([...BASE, ...flags]);
  await replay(simulator.port, readRecording(name === 'metrics' ? 'chat_nonstream' : 'b_priority_5').request);
  const { request, response } = readRecording(name);
  const simulated = await replay(simulator.port, request);
  const ours = families(simulated.body);
  expect([...families(response.body)].filter(([family]) => !ours.has(family))).toEqual([]);
  for (const [family, recorded] of families(response.body)) {
    expect({ family, ...ours.get(family) }).toEqual({ family, ...recorded });
  }
  expect(simulated.headers.get('content-type')).toBe(response.headers.get('content-type'));
  await simulator.close();
});

// ---- the list itself

describe('the recordings', () => {
  test('are all replayed, or left out for a reason', () => {
    const played = new Set([...GROUPS.flatMap(({ members }) => members), ...SCENARIOS, ...METRICS]);
    const exchanges = recordingNames('0.32.0-cpu').filter(isExchange);
    expect(exchanges.filter((name) => !played.has(name) && !(name in LEFT_OUT))).toEqual([]);
    expect(Object.keys(LEFT_OUT).filter((name) => !exchanges.includes(name))).toEqual([]);
  });

  test('differ from the simulator only where it is tolerated, and every tolerance is still needed', () => {
    expect(TOLERATED.map(({ why }) => why).filter((why) => !occurred.has(why))).toEqual([]);
  });
});

// ---- errors that were recorded from 0.26 only

const OLDER = [
  '--max-model-len',
  '4096',
  '--max-num-seqs',
  '10',
  '--kv-cache-memory-bytes',
  '1G',
  '--port',
  '0',
];
const OLDER_ERRORS = [
  ...['err-n-20000', 'err-min-gt-max', 'tool-choice-auto', 'temperature-5', 'err-max-tokens--1', 'n2-greedy'],
  ...['responses-get-unknown', 'err-bad-regex', 'err-logit-bias-range', 'health-head'],
];

test.each(OLDER_ERRORS)('0.26 refused %s with the same words', async (name) => {
  const simulator = await start([
    ...['Qwen/Qwen2.5-7B-Instruct', '--served-model-name', 'qwen2.5-7b-instruct', ...OLDER],
  ]);
  const request = recordedText(`0.26.0-h100/${name}.request.txt`).replaceAll('\r', '');
  const response = recordedText(`0.26.0-h100/${name}.response.txt`).replaceAll('\r', '');
  const [requestHead = '', body = ''] = request.split('\n\n');
  const [method = '', path = ''] = requestHead.split(' ');
  const simulated = await replay(simulator.port, {
    method,
    path,
    headers: [['Content-Type', 'application/json']],
    body: Buffer.from(body.trimEnd()),
  });
  const [responseHead = '', recordedBody = ''] = response.split('\n\n');
  expect(simulated.statusLine).toBe(responseHead.split('\n')[0]);
  expect(simulated.body).toBe(recordedBody.trimEnd());
  await simulator.close();
});
