import type { Usage } from './generation.ts';

/** `usage` of an answer that is not streamed. */
export function usageObject(usage: Usage, withDetails: boolean): object {
  return {
    prompt_tokens: usage.promptTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    completion_tokens: usage.completionTokens,
    prompt_tokens_details: withDetails
      ? {
          cached_tokens: usage.cachedTokens,
          created_cache_tokens: usage.createdCacheTokens,
          multimodal_tokens: null,
        }
      : null,
    completion_tokens_details: null,
  };
}

/** `usage` on a chunk in the middle of a stream, for the tokens of one choice so far. */
export const chunkUsageJson = (promptTokens: number, completionTokens: number): string =>
  `{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens + completionTokens},"completion_tokens":${completionTokens},"completion_tokens_details":null}`;

/** `usage` of the last chunk, the one without choices. */
export function finalUsageJson(usage: Usage, withDetails: boolean): string {
  const details = withDetails
    ? `,"prompt_tokens_details":{"cached_tokens":${usage.cachedTokens},"created_cache_tokens":${usage.createdCacheTokens}}`
    : '';
  return `{"prompt_tokens":${usage.promptTokens},"total_tokens":${usage.promptTokens + usage.completionTokens},"completion_tokens":${usage.completionTokens}${details}}`;
}

/** Which usage a stream carries: asked for by the client or forced by `--enable-force-include-usage`. */
export function usageMode(
  forced: boolean,
  streamOptions:
    | { include_usage?: boolean | null | undefined; continuous_usage_stats?: boolean | null | undefined }
    | null
    | undefined,
): { final: boolean; continuous: boolean } {
  if (forced) return { final: true, continuous: true };
  const final = streamOptions?.include_usage ?? false;
  return { final, continuous: final && (streamOptions?.continuous_usage_stats ?? false) };
}
