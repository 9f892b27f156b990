/**
 * Finds single figures in an engine's Prometheus text. A parser of the whole format would turn some thousand histogram
 * lines into objects every few seconds; the names that are wanted are searched for instead.
 *
 * Names: https://docs.vllm.ai/en/latest/usage/metrics.html. Format:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export interface Sample {
  /** Between the braces; empty without. */
  readonly labels: string;
  readonly value: number;
}

/** The samples of exactly this name: one for each engine core. Values that are no finite number are left out. */
export function samplesOf(text: string, name: string): Sample[] {
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

/** 0 for a label that is absent or no whole number, as vLLM's `None`. */
export function numberLabel(labels: string, name: string): number {
  const match = new RegExp(`(?:^|,)${name}="(\\d+)"`).exec(labels);
  return match === null ? 0 : Number(match[1]);
}

/** All engine cores behind one address together. */
export function sumOf(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}
