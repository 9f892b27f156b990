import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Of the model of tools/vllm-cpu/tiny_model.py. */
const LAYERS = 2;
const HIDDEN = 64;
const BYTES_PER_FLOAT = 4;
const MODULES = ['q_proj', 'v_proj'] as const;

/** Writes a LoRA adapter for the tiny model as PEFT does; its weights are all 0, so that it changes no answer. */
export async function writeTinyAdapter(folder: string, rank: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: 'tiny',
    r: rank,
    lora_alpha: 2 * rank,
    lora_dropout: 0,
    bias: 'none',
    target_modules: MODULES,
    use_dora: false,
    use_rslora: false,
    modules_to_save: null,
    inference_mode: true,
    fan_in_fan_out: false,
  };
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'adapter_model.safetensors'), safetensors(rank));
}

/** https://github.com/huggingface/safetensors#format */
function safetensors(rank: number): Buffer {
  const header: Record<string, object> = {};
  let bytes = 0;
  for (let layer = 0; layer < LAYERS; layer++) {
    for (const module of MODULES) {
      const name = `base_model.model.model.layers.${layer}.self_attn.${module}`;
      for (const [part, shape] of [
        ['lora_A', [rank, HIDDEN]],
        ['lora_B', [HIDDEN, rank]],
      ] as const) {
        const size = rank * HIDDEN * BYTES_PER_FLOAT;
        header[`${name}.${part}.weight`] = { dtype: 'F32', shape, data_offsets: [bytes, bytes + size] };
        bytes += size;
      }
    }
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(bytes)]);
}
