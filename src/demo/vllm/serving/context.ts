import type { EngineOptions } from '../command-line/options.ts';
import type { Clock } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import type { EnginePlan } from '../engine/memory.ts';
import type { FaultPlan } from '../failures.ts';
import type { AdapterLoader } from '../lora/adapters.ts';
import type { ServedModels } from './models.ts';
import type { RequestLog } from './request-log.ts';

/** What every handler works with. */
export interface ServingContext {
  readonly options: EngineOptions;
  readonly plan: EnginePlan;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly models: ServedModels;
  /** Undefined without `--enable-lora`. */
  readonly adapters: AdapterLoader | undefined;
  readonly requests: RequestLog;
  /** `VLLM_MAX_N_SEQUENCES`. */
  readonly maxSequencesPerRequest: number;
  /** The model's own, for error messages; the simulator's tokenizer has fewer. */
  readonly vocabularySize: number;
  /** Length of an embedding. */
  readonly hiddenSize: number;
  readonly seed: number;
  /** `system_fingerprint`. */
  readonly fingerprint: string | null;
  /** 16 hexadecimal digits, never twice the same. */
  readonly newId: () => string;
  /** Now in seconds since the epoch. */
  readonly nowSeconds: () => number;
  readonly faults: () => FaultPlan;
  /** Set while the server drains: no new generation is accepted. */
  readonly shuttingDown: () => boolean;
  readonly onGenerationStart: () => void;
  readonly onGenerationEnd: () => void;
  /** The engine process dies, as after a CUDA error. */
  readonly killEngine: (reason: string) => void;
  /** The whole process dies. */
  readonly crash: (exitCode: number) => void;
  /** Counts a request that the queue limits refused. */
  readonly onRejected: () => void;
}
