import { z } from 'zod';

/** Which requests a failure meets. Everything given must hold. */
const matchSchema = z.strictObject({
  /** Path of the request. */
  path: z.string().optional(),
  /** Part of the prompt. */
  promptIncludes: z.string().optional(),
  /** Model as the request names it. */
  model: z.string().optional(),
  /** Leave out this many matching requests first. */
  skip: z.int().min(0).default(0),
  /** Meet at most this many requests; no limit if absent. */
  times: z.int().positive().optional(),
});

const afterTokens = z.int().min(0).default(0);

const faultSchema = z.discriminatedUnion('kind', [
  /** The first token takes this much longer. Status and headers of a stream still go out at once. */
  z.strictObject({ kind: z.literal('SlowFirstToken'), delayMs: z.number().min(0) }),
  /** The answer stops after some tokens, for `durationMs` or for ever, and the connection stays open. */
  z.strictObject({ kind: z.literal('Stall'), afterTokens, durationMs: z.number().min(0).optional() }),
  /** The connection is reset. */
  z.strictObject({ kind: z.literal('Reset'), afterTokens }),
  /** The connection ends in the middle of the answer without an error. */
  z.strictObject({ kind: z.literal('CutOff'), afterTokens }),
  /** A stream carries an error object and then `[DONE]`, under status 200. Other answers get the status. */
  z.strictObject({
    kind: z.literal('StreamError'),
    afterTokens,
    status: z.int().min(400).max(599).default(500),
    message: z.string().default('Internal server error'),
    type: z.string().default('InternalServerError'),
  }),
  /** The request is refused before anything is generated. */
  z.strictObject({
    kind: z.literal('HttpError'),
    status: z.int().min(400).max(599).default(500),
    message: z.string().default('Internal server error'),
    type: z.string().default('InternalServerError'),
  }),
  /** The engine process dies: as after a CUDA error. The server follows with exit code 0. */
  z.strictObject({ kind: z.literal('EngineDeath'), afterTokens }),
  /** The whole process dies at once with this exit code. */
  z.strictObject({
    kind: z.literal('ProcessCrash'),
    afterTokens,
    exitCode: z.int().min(0).max(255).default(1),
  }),
]);

/** One thing that goes wrong with a request. */
export type Fault = z.infer<typeof faultSchema>;

/** Ways in which vLLM does not start. The texts are vLLM's. */
export const START_FAILURES = [
  'NoMemoryForKvCache',
  'MaxModelLenTooLarge',
  'FreeMemoryBelowUtilization',
  'MemoryProfiling',
  'SamplerWarmUp',
  'CudaOutOfMemory',
  'EngineCoreCrash',
  'TensorParallelDivisibility',
  'PortIsUri',
  'MigUuidInCudaVisibleDevices',
  'NoGpu',
  'ModelNotFound',
  'Hang',
] as const;

/** What the simulator does wrong on demand. Everything is optional; nothing given is a healthy engine. */
export const failuresSchema = z.strictObject({
  /** The engine does not start. It fails at the point of loading where vLLM does. */
  start: z.enum(START_FAILURES).optional(),
  requests: z.array(z.strictObject({ match: matchSchema.prefault({}), fault: faultSchema })).default([]),
  /** The engine makes no step any more; `/health` stays 200. */
  engineStalled: z.boolean().default(false),
  /** The engine process is dead, as after a CUDA error; the server follows with exit code 0. */
  engineDead: z.boolean().default(false),
  /** `/health` answers with this status. */
  healthStatus: z.int().min(200).max(599).optional(),
  /** SIGTERM is ignored; only SIGKILL ends the process. */
  hangOnShutdown: z.boolean().default(false),
  /** The engine dies when this many requests have been answered. */
  engineDiesAfterRequests: z.int().positive().optional(),
});

export type Failures = z.infer<typeof failuresSchema>;

/** What a failure can be told by. */
export interface FaultTarget {
  readonly path: string;
  readonly prompt: string;
  readonly model: string | undefined;
}

/** Decides which request meets which fault, and counts. */
export class FaultPlan {
  readonly #seen: number[];
  readonly failures: Failures;

  constructor(failures: Failures) {
    this.failures = failures;
    this.#seen = failures.requests.map(() => 0);
  }

  /** The first fault that applies to the request, if any; each call counts as one request. */
  take(target: FaultTarget): Fault | undefined {
    for (const [index, { match, fault }] of this.failures.requests.entries()) {
      const matches =
        (match.path === undefined || match.path === target.path) &&
        (match.model === undefined || match.model === target.model) &&
        (match.promptIncludes === undefined || target.prompt.includes(match.promptIncludes));
      if (!matches) continue;
      const seen = this.#seen[index] ?? 0;
      this.#seen[index] = seen + 1;
      if (seen >= match.skip && seen < match.skip + (match.times ?? Number.POSITIVE_INFINITY)) return fault;
    }
    return undefined;
  }
}
