import { readdir, readFile } from 'node:fs/promises';
import { isWithin, onHost } from '../volumes/mount.ts';
import { failingCommand } from './failing-command.ts';
import type { ContainerStart, Runtime } from './runtime.ts';
import { vllmArguments } from './vllm-arguments.ts';

export interface VllmOptions {
  /** Path of the `vllm` program. */
  readonly program: string;
  /** What it needs of this machine's environment: PATH, HOME, HF_HOME, VLLM_CPU_KVCACHE_SPACE …. */
  readonly environment: Readonly<Record<string, string>>;
}

const OUT_OF_MEMORY = [
  'torch.OutOfMemoryError: CUDA out of memory. Played by the node agent in place of a real start.',
  'RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}',
].join('\n');

/** Plays vLLM's images with a vLLM that is installed on this machine. `SlowLoad` has no effect on it. */
export function installedVllm(options: VllmOptions): Runtime {
  return {
    name: 'installed vLLM',
    plays: (image) => /^(docker\.io\/)?vllm\/vllm-openai[:@-]/.test(image),
    command(start) {
      const env = { ...options.environment, ...environmentOnHost(start) };
      switch (start.failure?.kind) {
        case 'OutOfMemoryAtStart':
          return failingCommand(OUT_OF_MEMORY, env);
        case 'CrashAtStart':
          return failingCommand('RuntimeError: played by the node agent in place of a real start', env);
        default:
          return { program: options.program, args: ['serve', ...argumentsOnHost(start)], env };
      }
    },
    killEngine: (_folder, { pid }) => signalEngines(pid, 'SIGKILL'),
    stallEngine: (_folder, { pid }) => signalEngines(pid, 'SIGSTOP'),
  };
}

async function signalEngines(pid: number, signal: NodeJS.Signals): Promise<void> {
  const engines = await engineProcesses(pid);
  if (engines.length === 0) throw new Error(`vLLM (process ${pid}) has no engine process`);
  for (const engine of engines) process.kill(engine, signal);
}

/**
 * What the container sets, paths on its claims as this machine knows them. Paths on other volumes are left out: those
 * are not mounted, and what vLLM would keep there (the hub's files, compiled kernels) goes where this machine's own
 * vLLM keeps it. The pod's own folder is left out as well: its path is longer than those of vLLM's sockets may be.
 */
function environmentOnHost({ container, env, folder: own, mounts }: ContainerStart): Record<string, string> {
  const unmounted = [own, ...(container.volumeMounts ?? []).map(({ mountPath }) => mountPath)];
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      const path = onHost(value, mounts);
      if (path !== undefined) return [[name, path]];
      return unmounted.some((folder) => isWithin(value, folder)) ? [] : [[name, value]];
    }),
  );
}

/** Paths stand alone or, as in `--lora-modules name=path`, after a name. */
function argumentsOnHost(start: ContainerStart): string[] {
  return vllmArguments(start).map((text) => {
    const [, name = '', value = ''] = /^([^=/]*=)?(.*)$/s.exec(text) ?? [];
    return name + (onHost(value, start.mounts) ?? value);
  });
}

/** vLLM names its engine process `VLLM::EngineCore`, of which the kernel keeps 15 characters. */
async function engineProcesses(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const [, command, parentPid] = /^\d+ \((.*)\) \S (\d+)/.exec(stat) ?? [];
    if (Number(parentPid) === parent && command?.startsWith('VLLM::EngineCor') === true)
      found.push(Number(name));
  }
  return found;
}
