/**
 * Request fields that do not reach an engine. They are dropped, not refused, because OpenAI clients and frameworks
 * send some of them unasked; the answer names those that were dropped in a header.
 *
 * @see https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (extra parameters)
 */
export const DROPPED_FIELDS: ReadonlySet<string> = new Set([
  // Cost far more than the tokens that limits count.
  'best_of',
  'ignore_eos',
  'min_tokens',
  'prompt_logprobs',
  'use_beam_search',
  // Run as code, or as an automaton built from the client's text, in the engine that all students share.
  'chat_template',
  'chat_template_kwargs',
  'guided_choice',
  'guided_grammar',
  'guided_json',
  'guided_regex',
  'media_io_kwargs',
  'mm_processor_kwargs',
  'structured_outputs',
  'vllm_xargs',
  // Reach into the vocabulary or the cache.
  'allowed_token_ids',
  'bad_words',
  'ec_transfer_params',
  'kv_transfer_params',
  'logit_bias',
  'logprob_token_ids',
  'prompt_embeds',
  'return_token_ids',
  'truncate_prompt_tokens',
]);

/** Who the student is and how they are served is for the gateway to say: these are overwritten or removed. */
export const IDENTITY_FIELDS = [
  'cache_salt',
  'data_parallel_rank',
  'priority',
  'prompt_cache_key',
  'request_id',
  'safety_identifier',
  'service_tier',
  'user',
] as const;

/** The three names of "at most so many tokens"; one clamped value replaces them all. */
export const OUTPUT_CAP_FIELDS = ['max_completion_tokens', 'max_tokens', 'max_output_tokens'] as const;
export type OutputCapField = (typeof OUTPUT_CAP_FIELDS)[number];
