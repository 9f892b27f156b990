import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AdapterFiles } from './adapters.ts';

/** Looks at an adapter's folder on this machine. */
export function inspectAdapterOnDisk(path: string): AdapterFiles {
  if (!existsSync(path)) return { kind: 'missing' };
  if (!statSync(path).isDirectory()) return { kind: 'file' };
  const config = join(path, 'adapter_config.json');
  return {
    kind: 'directory',
    config: existsSync(config) ? readFileSync(config, 'utf8') : undefined,
    hasWeights: ['adapter_model.safetensors', 'adapter_model.bin'].some((file) =>
      existsSync(join(path, file)),
    ),
  };
}
