import { z } from 'zod';
import { size } from './fields.ts';

const visionSchema = z.object({
  model_type: z.string().nullish(),
  hidden_size: size,
  embed_dim: size,
  intermediate_size: size,
  mlp_ratio: z.number().positive().nullish(),
  depth: size,
  num_hidden_layers: size,
  num_layers: size,
  patch_size: z.union([z.number(), z.array(z.number())]).nullish(),
});

/** Vision towers whose feed-forward layers have a gate. */
const GATED_TOWERS = /qwen2_5|pixtral/;
/** Neighbouring patches that the projector joins: 2 × 2. */
const JOINED_PATCHES = 4;

/** Parameters of a tower for pictures with its projector, counted from its shapes; 0 without one. */
export function visionParameters(raw: Readonly<Record<string, unknown>>, textHidden: number): number {
  const found = visionSchema.safeParse(raw.vision_config);
  if (!found.success) return 0;
  const vision = found.data;
  // Qwen2-VL calls the tower's own width `embed_dim`, and the language model's `hidden_size`.
  const width = vision.embed_dim ?? vision.hidden_size ?? 0;
  const layers = vision.depth ?? vision.num_hidden_layers ?? vision.num_layers ?? 0;
  const inner = vision.intermediate_size ?? (vision.mlp_ratio ?? 4) * width;
  const gates = GATED_TOWERS.test(`${vision.model_type ?? ''} ${String(raw.model_type ?? '')}`) ? 3 : 2;
  const patch = typeof vision.patch_size === 'number' ? vision.patch_size : 14;
  const joined = JOINED_PATCHES * width;
  const tower = layers * (4 * width ** 2 + gates * width * inner) + 3 * patch ** 2 * width;
  return Math.round(tower + joined ** 2 + joined * textHidden);
}
