import type { ParsedCommandLine } from './parse.ts';

/** The part of vLLM's configuration that the simulator acts on. Every other flag is accepted and has no effect. */
export interface EngineOptions {
  readonly model: string;
  /** The first is the name in answers; all are accepted in requests. */
  readonly servedModelNames: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly apiKeys: readonly string[];
  /** Undefined or -1: what fits. */
  readonly maxModelLen: number | undefined;
  readonly maxNumSeqs: number | undefined;
  readonly maxNumBatchedTokens: number | undefined;
  readonly maxNumQueuedRequests: number | undefined;
  readonly maxNumQueuedTokens: number | undefined;
  readonly gpuMemoryUtilization: number;
  readonly kvCacheMemoryBytes: number | undefined;
  readonly kvCacheDtype: string;
  readonly quantization: string | undefined;
  readonly blockSize: number | undefined;
  readonly tensorParallelSize: number;
  readonly schedulingPolicy: 'fcfs' | 'priority';
  readonly enablePrefixCaching: boolean;
  readonly enforceEager: boolean;
  readonly maxLogprobs: number;
  readonly streamInterval: number;
  readonly shutdownTimeoutSeconds: number;
  readonly sseKeepAliveIntervalSeconds: number;
  readonly forceIncludeUsage: boolean;
  readonly promptTokensDetails: boolean;
  readonly requestIdHeaders: boolean;
  readonly serverLoadTracking: boolean;
  readonly fastapiDocs: boolean;
  readonly accessLog: boolean;
  readonly accessLogExcludedPaths: readonly string[];
  readonly logStats: boolean;
  readonly fingerprint: { readonly mode: string; readonly value: string | undefined };
  readonly lora: LoraOptions | undefined;
  /** `{'host': '0.0.0.0', 'port': 8000}` as vLLM's first log line prints it. */
  readonly nonDefaultArguments: string;
}

/** Adapters served from the start and the bounds of `--enable-lora`. */
export interface LoraOptions {
  readonly maxLoras: number;
  readonly maxLoraRank: number;
  readonly maxCpuLoras: number;
  readonly modules: readonly { readonly name: string; readonly path: string }[];
}

const DECIMAL: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const BINARY: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `1k` is 1,000, `1K` is 1,024, `25.6k` is 25,600; `auto` is -1. The text has passed {@link parseCommandLine}. */
function readSize(text: string): number {
  if (text === 'auto') return -1;
  const unit = text.at(-1) ?? '';
  const factor = DECIMAL[unit] ?? BINARY[unit];
  return factor === undefined ? Number(text) : Math.floor(Number(text.slice(0, -1)) * factor);
}

/** Typed look-ups in what was parsed. */
class Flags {
  readonly #parsed: ParsedCommandLine;

  constructor(parsed: ParsedCommandLine) {
    this.#parsed = parsed;
  }

  list(name: string): readonly string[] | undefined {
    const value = this.#parsed.flags.get(name);
    return typeof value === 'boolean' ? undefined : value;
  }

  text(name: string): string | undefined {
    return this.list(name)?.[0];
  }

  size(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : readSize(text);
  }

  number(name: string, fallback: number): number {
    const text = this.text(name);
    return text === undefined ? fallback : Number(text);
  }

  on(name: string, fallback = false): boolean {
    const value = this.#parsed.flags.get(name);
    return typeof value === 'boolean' ? value : fallback;
  }
}

/** `name=path`, or JSON `{"name", "path", …}`. */
function readLoraModule(text: string): { name: string; path: string } {
  if (text.startsWith('{')) {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'name' in parsed && 'path' in parsed) {
      return { name: String(parsed.name), path: String(parsed.path) };
    }
  }
  const equals = text.indexOf('=');
  return { name: text.slice(0, equals), path: text.slice(equals + 1) };
}

function readLora(flags: Flags): LoraOptions | undefined {
  if (!flags.on('--enable-lora')) return undefined;
  const maxLoras = flags.number('--max-loras', 1);
  return {
    maxLoras,
    maxLoraRank: flags.number('--max-lora-rank', 16),
    maxCpuLoras: flags.number('--max-cpu-loras', maxLoras),
    modules: (flags.list('--lora-modules') ?? []).map(readLoraModule),
  };
}

/** Python's `repr` of the arguments given. */
function describe(parsed: ParsedCommandLine): string {
  const values = [...parsed.flags].map(([name, value]) => {
    const key = name.slice(2).replaceAll('-', '_');
    if (typeof value === 'boolean') return `'${key}': ${value ? 'True' : 'False'}`;
    const items = value.map((item) => (/^-?\d+(\.\d+)?$/.test(item) ? item : `'${item}'`));
    const isList = name === '--served-model-name' || name === '--api-key' || name === '--lora-modules';
    return `'${key}': ${isList ? `[${items.join(', ')}]` : (items[0] ?? 'None')}`;
  });
  const model = parsed.model === undefined ? [] : [`'model_tag': '${parsed.model}'`];
  return `{${[...model, ...values].join(', ')}}`;
}

/**
 * Gives the parsed command line its meaning, with the defaults of vLLM 0.32.0.
 *
 * @param parsed what {@link parseCommandLine} read
 * @param environmentApiKey `VLLM_API_KEY`, used where `--api-key` is not given
 */
export function readEngineOptions(parsed: ParsedCommandLine, environmentApiKey?: string): EngineOptions {
  const flags = new Flags(parsed);
  const model = parsed.model ?? 'Qwen/Qwen3-0.6B';
  const maxModelLen = flags.size('--max-model-len');
  const environmentKeys =
    environmentApiKey === undefined || environmentApiKey === '' ? [] : [environmentApiKey];
  return {
    model,
    servedModelNames: flags.list('--served-model-name') ?? [model],
    host: flags.text('--host') ?? '0.0.0.0',
    port: flags.number('--port', 8000),
    apiKeys: flags.list('--api-key') ?? environmentKeys,
    maxModelLen: maxModelLen === -1 ? undefined : maxModelLen,
    maxNumSeqs: flags.size('--max-num-seqs'),
    maxNumBatchedTokens: flags.size('--max-num-batched-tokens'),
    maxNumQueuedRequests: flags.size('--max-num-queued-reqs'),
    maxNumQueuedTokens: flags.size('--max-num-queued-tokens'),
    gpuMemoryUtilization: flags.number('--gpu-memory-utilization', 0.92),
    kvCacheMemoryBytes: flags.size('--kv-cache-memory-bytes'),
    kvCacheDtype: flags.text('--kv-cache-dtype') ?? 'auto',
    quantization: flags.text('--quantization'),
    blockSize: flags.size('--block-size'),
    tensorParallelSize: flags.number('--tensor-parallel-size', 1),
    schedulingPolicy: flags.text('--scheduling-policy') === 'priority' ? 'priority' : 'fcfs',
    enablePrefixCaching: flags.on('--enable-prefix-caching', true),
    enforceEager: flags.on('--enforce-eager'),
    maxLogprobs: flags.number('--max-logprobs', 20),
    streamInterval: Math.max(1, flags.number('--stream-interval', 1)),
    shutdownTimeoutSeconds: flags.number('--shutdown-timeout', 0),
    sseKeepAliveIntervalSeconds: flags.number('--sse-keep-alive-interval', 0),
    forceIncludeUsage: flags.on('--enable-force-include-usage'),
    promptTokensDetails: flags.on('--enable-prompt-tokens-details'),
    requestIdHeaders: flags.on('--enable-request-id-headers'),
    serverLoadTracking: flags.on('--enable-server-load-tracking'),
    fastapiDocs: !flags.on('--disable-fastapi-docs'),
    accessLog: !flags.on('--disable-uvicorn-access-log'),
    accessLogExcludedPaths: (flags.text('--disable-access-log-for-endpoints') ?? '')
      .split(',')
      .filter(Boolean),
    logStats: !flags.on('--disable-log-stats'),
    fingerprint: {
      mode: flags.text('--fingerprint-mode') ?? 'full',
      value: flags.text('--fingerprint-value'),
    },
    lora: readLora(flags),
    nonDefaultArguments: describe(parsed),
  };
}
