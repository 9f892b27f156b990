import type { EngineLoad } from '../queue/capacity.ts';

/**
 * Finds the few figures that the queue needs in an engine's Prometheus text. A parser of the whole format would turn some
 * thousand histogram lines into objects every second; these names are searched for instead.
 *
 * Names: https://docs.vllm.ai/en/latest/usage/metrics.html. Format:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
const RUNNING = 'vllm:num_requests_running';
const WAITING = 'vllm:num_requests_waiting';
const KV_USAGE = 'vllm:kv_cache_usage_perc';
const CACHE_CONFIG = 'vllm:cache_config_info';

interface Sample {
  /** Between the braces; empty without. */
  readonly labels: string;
  readonly value: number;
}

/**
 * @returns undefined when the text does not say what runs and what waits: then nothing is known, and nothing is changed.
 * Several engine cores behind one address are added up; of the shares of their caches in use, the largest counts.
 */
export function readEngineLoad(text: string): EngineLoad | undefined {
  const running = samplesOf(text, RUNNING);
  const waiting = samplesOf(text, WAITING);
  if (running.length === 0 || waiting.length === 0) return undefined;
  return {
    running: sum(running.map(({ value }) => value)),
    waiting: sum(waiting.map(({ value }) => value)),
    kvUsage: Math.max(0, ...samplesOf(text, KV_USAGE).map(({ value }) => value)),
    kvTokens: kvTokensOf(samplesOf(text, CACHE_CONFIG)),
  };
}

function kvTokensOf(configs: readonly Sample[]): number | undefined {
  const tokens = configs.map(
    ({ labels }) => numberLabel(labels, 'num_gpu_blocks') * numberLabel(labels, 'block_size'),
  );
  const total = sum(tokens);
  return total > 0 ? total : undefined;
}

/** The samples of exactly this name. Values that are no finite number are left out. */
function samplesOf(text: string, name: string): Sample[] {
  const samples: Sample[] = [];
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    const startsLine = at === 0 || text[at - 1] === '\n';
    const next = text[at + name.length];
    if (!startsLine || (next !== '{' && next !== ' ')) continue;
    const end = text.indexOf('\n', at);
    const sample = sampleOf(text.slice(at + name.length, end < 0 ? undefined : end));
    if (sample !== undefined) samples.push(sample);
  }
  return samples;
}

/** @param rest of the line, after the name */
function sampleOf(rest: string): Sample | undefined {
  // A label's value may hold a brace, the figures after the last one may not.
  const close = rest.startsWith('{') ? rest.lastIndexOf('}') : -1;
  const [figure = ''] = rest
    .slice(close + 1)
    .trim()
    .split(' ');
  const value = figure === '' ? Number.NaN : Number(figure);
  return Number.isFinite(value) ? { labels: rest.slice(1, Math.max(1, close)), value } : undefined;
}

/** 0 for a label that is absent or no number, as vLLM's `None`. */
function numberLabel(labels: string, name: string): number {
  const match = new RegExp(`(?:^|,)${name}="(\\d+)"`).exec(labels);
  return match === null ? 0 : Number(match[1]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
