import { z } from 'zod';
import { GPU_PROFILES, type GpuProfileName } from './engine/gpu-profiles.ts';
import { failuresSchema } from './failures.ts';

const profileNames = Object.keys(GPU_PROFILES) as GpuProfileName[];

/**
 * What vLLM's own command line cannot say: the GPU that is played and how the engine misbehaves.
 * Comes as JSON in the environment variable `VLLM_SIMULATOR`.
 */
export const settingsSchema = z
  .strictObject({
    /** The GPU, or slice of one, that is played. */
    gpuProfile: z.enum(profileNames).default('H100'),
    /** How many such GPUs the engine has: `--tensor-parallel-size` may be as large. */
    gpus: z.int().min(1).default(1),
    /** How many times faster than that GPU. */
    speed: z.number().positive().default(1),
    /** How many times longer a step takes because others compute on the same GPU. */
    slowdown: z.number().min(1).default(1),
    /** Seconds from process start to the open port. */
    loadSeconds: z.number().min(0).default(5),
    /** Size of the KV cache in tokens; else worked out from memory as vLLM does. */
    kvCacheTokens: z.int().positive().optional(),
    /** Memory of the GPU as CUDA reports it; else the profile's. */
    memoryGiB: z.number().positive().optional(),
    /** Held by other processes when this one starts. */
    memoryUsedByOthersGiB: z.number().min(0).default(0),
    /** The GPU is shared with other simulators of this machine: its folder, and a file name of one's own in it. */
    gpu: z.strictObject({ folder: z.string().min(1), engine: z.string().min(1) }).optional(),
    /** Whether torch.compile finds what an earlier start left: a warm start has more KV cache. */
    compileCache: z.enum(['Cold', 'Warm']).default('Cold'),
    /** Makes answers at temperature > 0 and random ids come out the same each time. */
    seed: z.int().default(0),
    /** Which endpoints there are: those of a generative or of an embedding model. */
    task: z.enum(['generate', 'embed']).default('generate'),
    /**
     * What SIGTERM does to running requests without `--shutdown-timeout`: both were seen, abort twice as often.
     * `Abort`: they end at once with finish_reason "abort". `Hang`: they get no byte more and no end.
     */
    shutdownRace: z.enum(['Abort', 'Hang']).default('Abort'),
    /** Seconds from the last answer to the end of the process when draining. */
    drainExitSeconds: z.number().min(0).default(4.4),
    /** `Swallow`: as recorded, a SIGTERM in the later part of loading is lost. `Exit`: it ends the process. */
    sigtermWhileLoading: z.enum(['Swallow', 'Exit']).default('Swallow'),
    /** Where the folders that the engine knows are on this machine: for paths in requests, such as those of adapters. */
    mounts: z.array(z.strictObject({ mountPath: z.string().min(1), folder: z.string().min(1) })).default([]),
    failures: failuresSchema.prefault({}),
    /** A JSON file with failures; read at start, if it exists, and again on SIGUSR2. Overrides `failures`. */
    controlFile: z.string().min(1).optional(),
  })
  .describe('Settings of the vLLM simulator');

export type SimulatorSettings = z.infer<typeof settingsSchema>;

/**
 * Reads `VLLM_SIMULATOR`.
 *
 * @throws {Error} that lists everything wrong with it
 */
export function readSettings(json: string | undefined): SimulatorSettings {
  const parsed = settingsSchema.safeParse(json === undefined || json === '' ? {} : JSON.parse(json));
  if (parsed.success) return parsed.data;
  throw new Error(`VLLM_SIMULATOR is not valid:\n${z.prettifyError(parsed.error)}`);
}
