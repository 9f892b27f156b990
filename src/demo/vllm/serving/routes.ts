import { errors } from '../http/errors.ts';
import type { Handler, Route } from '../http/router.ts';
import { createChatCompletion } from './chat.ts';
import { checkHealth, listModels, loadAdapter, unloadAdapter, VLLM_VERSION } from './operations.ts';

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

/** The paths that a vLLM of this configuration has; all others are 404. */
export function routesFor(facts: ServerFacts): Route[] {
  const routes: Route[] = [
    { pattern: '/health', methods: { GET: checkHealth } },
    { pattern: '/ping', methods: { GET: checkHealth, POST: checkHealth } },
    {
      pattern: '/version',
      methods: { GET: (_, exchange) => exchange.json(200, { version: VLLM_VERSION }) },
    },
    {
      pattern: '/metrics',
      methods: { GET: (_, exchange) => exchange.send(200, facts.metricsText(), METRICS_TYPE) },
    },
    {
      pattern: '/load',
      methods: { GET: (_, exchange) => exchange.json(200, { server_load: facts.serverLoad() }) },
    },
    { pattern: '/v1/models', methods: { GET: listModels } },
    { pattern: '/v1/chat/completions', methods: { POST: createChatCompletion }, loads: true },
    { pattern: '/invocations', methods: { POST: createChatCompletion }, loads: true },
    { pattern: '/v1/chat/completions/render', methods: { POST: scaleOut } },
    { pattern: '/v1/completions/render', methods: { POST: scaleOut } },
    { pattern: '/inference/v1/generate', methods: { POST: scaleOut } },
    { pattern: '/inference/v1/abort_requests', methods: { POST: scaleOut } },
    { pattern: '/kv_event_sources', methods: { GET: (_, exchange) => exchange.json(200, {}) } },
    {
      pattern: '/is_scaling_elastic_ep',
      methods: { POST: (_, exchange) => exchange.json(200, { is_scaling_elastic_ep: false }) },
    },
  ];
  if (facts.runtimeAdapters) {
    routes.push({ pattern: '/v1/load_lora_adapter', methods: { POST: loadAdapter } });
    routes.push({ pattern: '/v1/unload_lora_adapter', methods: { POST: unloadAdapter } });
  }
  return routes;
}
