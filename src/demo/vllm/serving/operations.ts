import { readJson } from '../http/body.ts';
import type { Exchange } from '../http/exchange.ts';
import { loadAdapterRequestSchema, unloadAdapterRequestSchema } from '../http/request-schemas.ts';
import type { ServingContext } from './context.ts';

/** The version whose behaviour is played. */
export const VLLM_VERSION = '0.32.0';

interface ModelCard {
  readonly id: string;
  readonly root: string;
  readonly parent: string | null;
  readonly maxModelLen: number | null;
}

function modelObject({ id, root, parent, maxModelLen }: ModelCard, context: ServingContext): object {
  const created = context.nowSeconds();
  return {
    id,
    object: 'model',
    created,
    owned_by: 'vllm',
    root,
    parent,
    max_model_len: maxModelLen,
    permission: [
      {
        id: `modelperm-${context.newId()}`,
        object: 'model_permission',
        created,
        allow_create_engine: false,
        allow_sampling: true,
        allow_logprobs: true,
        allow_search_indices: false,
        allow_view: true,
        allow_fine_tuning: false,
        organization: '*',
        group: null,
        is_blocking: false,
      },
    ],
  };
}

/** `GET /v1/models`: base model, aliases, adapters. */
export function listModels(context: ServingContext, exchange: Exchange): void {
  const { models, plan } = context;
  const cards: ModelCard[] = [
    ...models.baseNames.map((id) => ({ id, root: models.root, parent: null, maxModelLen: plan.maxModelLen })),
    ...models.adapters.map(({ name, path }) => ({
      id: name,
      root: path,
      parent: models.baseName,
      maxModelLen: null,
    })),
  ];
  exchange.json(200, { object: 'list', data: cards.map((card) => modelObject(card, context)) });
}

/** `GET /health`, `GET` and `POST /ping`: empty, 503 once the engine is dead. */
export function checkHealth(context: ServingContext, exchange: Exchange): void {
  const status = context.faults().failures.healthStatus ?? (context.engine.dead ? 503 : 200);
  exchange.send(status, '');
}

/** `POST /v1/load_lora_adapter`: text, without a content type. */
export async function loadAdapter(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, loadAdapterRequestSchema);
  const adapter = { name: body.lora_name, path: body.lora_path };
  context.adapters?.load(adapter, body.load_inplace ?? false);
  exchange.send(200, `Success: LoRA adapter '${adapter.name}' added successfully.`);
}

/** `POST /v1/unload_lora_adapter`. */
export async function unloadAdapter(context: ServingContext, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.request, unloadAdapterRequestSchema);
  context.adapters?.unload(body.lora_name);
  exchange.send(200, `Success: LoRA adapter '${body.lora_name}' removed successfully.`);
}
