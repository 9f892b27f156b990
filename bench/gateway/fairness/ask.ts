import { request } from 'node:http';

const USAGE = /"usage":\{"prompt_tokens":(\d+),"total_tokens":\d+,"completion_tokens":(\d+)/g;

export interface Question {
  readonly url: string;
  readonly key: string;
  /** Exactly so many tokens are made. */
  readonly outputTokens: number;
  /** Words of the prompt. */
  readonly words: number;
  /** Told of the tokens so far, at each piece that has any. */
  readonly onTokens?: (promptTokens: number, completionTokens: number) => void;
  /** Ends the request early. */
  readonly signal: AbortSignal;
}

/**
 * Asks for a stream and reads it to its end.
 *
 * @returns ms to the first token; undefined when none came before the signal
 * @throws Error when the gateway refuses or the answer breaks off
 */
export function ask({
  url,
  key,
  outputTokens,
  words,
  onTokens,
  signal,
}: Question): Promise<number | undefined> {
  const askedMs = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  let firstMs: number | undefined;
  const fail = (error: Error): void => {
    if (signal.aborted) resolve(firstMs);
    else reject(error);
  };
  const asking = request(`${url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    signal,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  });
  asking.on('error', fail);
  asking.on('response', (answer) => {
    const { statusCode } = answer;
    let tail = '';
    answer.setEncoding('utf8');
    answer.on('data', (piece: string) => {
      tail += piece;
      for (const [, prompt, completion] of tail.matchAll(USAGE)) {
        if (completion === '0') continue;
        firstMs ??= performance.now() - askedMs;
        onTokens?.(Number(prompt), Number(completion));
      }
      tail = tail.slice(tail.lastIndexOf('\n') + 1);
    });
    answer.on('error', fail);
    answer.on('end', () => {
      if (statusCode === 200 && firstMs !== undefined) resolve(firstMs);
      else fail(new Error(`an answer ended with status ${statusCode}: ${tail}`));
    });
  });
  asking.end(
    JSON.stringify({
      model: 'qwen',
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
      max_tokens: outputTokens,
      ignore_eos: true,
      messages: [{ role: 'user', content: `Explain loops. ${'word '.repeat(words)}` }],
    }),
  );
  return promise;
}
