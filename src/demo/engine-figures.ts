/** What an engine says of itself on `/metrics`. */
export interface EngineFigures {
  running: number;
  waiting: number;
  generatedTokens: number;
}

/**
 * Reads three gauges of vLLM's Prometheus text.
 *
 * @returns undefined when the text holds none of them
 * @see https://docs.vllm.ai/en/latest/design/metrics.html
 */
export function readEngineFigures(text: string): EngineFigures | undefined {
  const running = sampleOf(text, 'vllm:num_requests_running');
  const waiting = sampleOf(text, 'vllm:num_requests_waiting');
  const generatedTokens = sampleOf(text, 'vllm:generation_tokens_total');
  if (running === undefined || waiting === undefined || generatedTokens === undefined) return undefined;
  return { running, waiting, generatedTokens };
}

function sampleOf(text: string, metric: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${metric}{`));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}
