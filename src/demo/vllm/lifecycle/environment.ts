import { z } from 'zod';
import { StartFailure } from '../engine/start-failure.ts';

/** As vLLM reads its switches: 1 and true in any case. */
const flag = z
  .string()
  .optional()
  .transform((text) => text !== undefined && ['1', 'true'].includes(text.trim().toLowerCase()));

const environmentSchema = z.object({
  VLLM_API_KEY: z.string().optional(),
  VLLM_MAX_N_SEQUENCES: z.coerce.number().int().positive().default(16_384),
  /** Seconds an idle connection is kept. */
  VLLM_HTTP_TIMEOUT_KEEP_ALIVE: z.coerce.number().min(0).default(5),
  VLLM_ALLOW_RUNTIME_LORA_UPDATING: flag,
  VLLM_KEEP_ALIVE_ON_ENGINE_DEATH: flag,
  VLLM_LOGGING_CONFIG_PATH: z.string().min(1).optional(),
  VLLM_PORT: z.string().optional(),
  CUDA_VISIBLE_DEVICES: z.string().optional(),
  VLLM_SIMULATOR: z.string().optional(),
});

export type SimulatorEnvironment = z.infer<typeof environmentSchema>;

/**
 * Reads the environment variables of vLLM that the simulator honours, and its own.
 *
 * @throws {StartFailure} for values that vLLM does not start with
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): SimulatorEnvironment {
  const parsed = environmentSchema.safeParse(env);
  if (!parsed.success) {
    throw new StartFailure([{ origin: 'APIServer', text: `ValueError: ${z.prettifyError(parsed.error)}` }]);
  }
  const { VLLM_PORT: port, CUDA_VISIBLE_DEVICES: devices } = parsed.data;
  if (port?.includes('://')) throw StartFailure.portIsUri(port);
  if (devices?.startsWith('MIG-')) throw StartFailure.migUuid(devices);
  return parsed.data;
}
