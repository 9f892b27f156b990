/** Tokens of one request as the engine counted them. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens that came from the prefix cache, where the engine tells. */
  readonly cachedTokens: number | undefined;
}
