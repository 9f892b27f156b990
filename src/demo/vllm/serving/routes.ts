import { errors } from '../http/errors.ts';
import type { Handler, Route } from '../http/router.ts';
import { createChatCompletion } from './chat.ts';
import { createCompletion } from './completions.ts';
import { createEmbedding } from './embeddings.ts';
import { countMessageTokens, createMessage } from './messages.ts';
import { checkHealth, listModels, loadAdapter, unloadAdapter, VLLM_VERSION } from './operations.ts';
import { createResponse, findResponse } from './responses.ts';
import { detokenize, tokenize } from './tokens.ts';

/** What only the server as a whole can answer. */
export interface ServerFacts {
  readonly metricsText: () => string;
  readonly serverLoad: () => number;
  readonly openApi: boolean;
  readonly task: 'generate' | 'embed';
  /** `VLLM_ALLOW_RUNTIME_LORA_UPDATING`, and `--enable-lora`. */
  readonly runtimeAdapters: boolean;
}

const METRICS_TYPE = 'text/plain; version=1.0.0; charset=utf-8';

const scaleOut: Handler = () => {
  throw errors.scaleOutDisabled();
};

/** There with every model. */
const operations = (facts: ServerFacts): Route[] => [
  { pattern: '/health', methods: { GET: checkHealth } },
  { pattern: '/ping', methods: { GET: checkHealth, POST: checkHealth } },
  { pattern: '/version', methods: { GET: (_, exchange) => exchange.json(200, { version: VLLM_VERSION }) } },
  {
    pattern: '/metrics',
    methods: { GET: (_, exchange) => exchange.send(200, facts.metricsText(), METRICS_TYPE) },
  },
  {
    pattern: '/load',
    methods: { GET: (_, exchange) => exchange.json(200, { server_load: facts.serverLoad() }) },
  },
  { pattern: '/v1/models', methods: { GET: listModels } },
  { pattern: '/tokenize', methods: { POST: tokenize } },
  { pattern: '/detokenize', methods: { POST: detokenize } },
  { pattern: '/kv_event_sources', methods: { GET: (_, exchange) => exchange.json(200, {}) } },
  {
    pattern: '/is_scaling_elastic_ep',
    methods: { POST: (_, exchange) => exchange.json(200, { is_scaling_elastic_ep: false }) },
  },
];

/** There with a model that generates text. */
const GENERATION: readonly Route[] = [
  { pattern: '/v1/chat/completions', methods: { POST: createChatCompletion }, loads: true },
  { pattern: '/v1/completions', methods: { POST: createCompletion }, loads: true },
  { pattern: '/v1/responses', methods: { POST: createResponse }, loads: true },
  { pattern: '/v1/responses/{response_id}', methods: { GET: findResponse } },
  { pattern: '/v1/responses/{response_id}/cancel', methods: { POST: findResponse } },
  { pattern: '/v1/messages', methods: { POST: createMessage }, loads: true },
  { pattern: '/v1/messages/count_tokens', methods: { POST: countMessageTokens } },
  { pattern: '/invocations', methods: { POST: createChatCompletion }, loads: true },
  { pattern: '/v1/chat/completions/render', methods: { POST: scaleOut } },
  { pattern: '/v1/completions/render', methods: { POST: scaleOut } },
  { pattern: '/inference/v1/generate', methods: { POST: scaleOut } },
  { pattern: '/inference/v1/abort_requests', methods: { POST: scaleOut } },
];

const EMBEDDING: readonly Route[] = [
  { pattern: '/v1/embeddings', methods: { POST: createEmbedding }, loads: true },
];

const ADAPTERS: readonly Route[] = [
  { pattern: '/v1/load_lora_adapter', methods: { POST: loadAdapter } },
  { pattern: '/v1/unload_lora_adapter', methods: { POST: unloadAdapter } },
];

/** Enough of a description for a client to see which paths there are. */
function openApi(routes: readonly Route[]): Route {
  const paths = Object.fromEntries(
    routes.map(({ pattern, methods }) => [
      pattern,
      Object.fromEntries(Object.keys(methods).map((method) => [method.toLowerCase(), {}])),
    ]),
  );
  const description = { openapi: '3.1.0', info: { title: 'FastAPI', version: '0.1.0' }, paths };
  return { pattern: '/openapi.json', methods: { GET: (_, exchange) => exchange.json(200, description) } };
}

/** The paths that a vLLM of this configuration has; all others are 404. */
export function routesFor(facts: ServerFacts): Route[] {
  const routes = [
    ...operations(facts),
    ...(facts.task === 'embed' ? EMBEDDING : GENERATION),
    ...(facts.runtimeAdapters ? ADAPTERS : []),
  ];
  return facts.openApi ? [...routes, openApi(routes)] : routes;
}
