import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Failures } from '../../vllm/failures.ts';
import { settingsSchema } from '../../vllm/settings.ts';
import type { Failure } from '../failures.ts';
import { gpuSlot, wholeGpus } from './gpu-slot.ts';
import type { ContainerStart, RunningProcess, Runtime } from './runtime.ts';
import { vllmArguments } from './vllm-arguments.ts';

export interface VllmSimulatorOptions {
  /** The simulator's entry point. */
  readonly entryPoint: string;
  /** How many times faster than the GPU; default 1. */
  readonly speed?: number;
  /** How long a model takes to load; default: the simulator's own. */
  readonly loadSeconds?: number;
}

type Settings = z.input<typeof settingsSchema>;

const CONTROL_FILE = 'failures.json';

/** Plays `vllm/vllm-openai` with the simulator, on the GPU that the node has. */
export function vllmSimulator(options: VllmSimulatorOptions): Runtime {
  return {
    name: 'vLLM simulator',
    plays: (image) => /^(docker\.io\/)?vllm\/vllm-openai[:@-]/.test(image),
    async command(start) {
      // What was played on the container's last start must not be played again.
      await rm(join(start.folder, CONTROL_FILE), { force: true });
      return {
        program: process.execPath,
        args: ['--disable-warning=ExperimentalWarning', options.entryPoint, ...vllmArguments(start)],
        env: { ...start.env, VLLM_SIMULATOR: JSON.stringify(settingsOf(start, options)) },
      };
    },
    killEngine: (folder, process) => play(folder, process, { engineDead: true }),
    stallEngine: (folder, process) => play(folder, process, { engineStalled: true }),
  };
}

async function play(folder: string, process: RunningProcess, failures: Partial<Failures>): Promise<void> {
  await writeFile(join(folder, CONTROL_FILE), JSON.stringify(failures));
  process.signal('SIGUSR2');
}

function settingsOf(start: ContainerStart, options: VllmSimulatorOptions): Settings {
  const { failure, container, node, pod, gpuFolder } = start;
  const resources = Object.keys({ ...container.resources?.limits, ...container.resources?.requests });
  const loadSeconds = failure?.kind === 'SlowLoad' ? failure.seconds : options.loadSeconds;
  const failureAtStart = startFailureOf(failure);
  const settings: Settings = {
    ...gpuSlot(node, resources),
    gpus: wholeGpus(node, container),
    ...(gpuFolder !== undefined && { gpu: { folder: gpuFolder, engine: pod.metadata.uid ?? '' } }),
    ...(options.speed !== undefined && { speed: options.speed }),
    ...(loadSeconds !== undefined && { loadSeconds }),
    ...(failureAtStart !== undefined && { failures: { start: failureAtStart } }),
    ...(start.mounts.length > 0 && { mounts: [...start.mounts] }),
    controlFile: join(start.folder, CONTROL_FILE),
  };
  settingsSchema.parse(settings);
  return settings;
}

function startFailureOf(failure: Failure | undefined): Failures['start'] {
  switch (failure?.kind) {
    case 'OutOfMemoryAtStart':
      return 'CudaOutOfMemory';
    case 'CrashAtStart':
      return 'EngineCoreCrash';
    default:
      return undefined;
  }
}
