import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Mount, onHost } from '../../node-agent/volumes/mount.ts';
import type { AdapterFiles, InspectAdapter } from './adapters.ts';

/** Looks at an adapter's folder on this machine; paths on the mounts are those that the container knows. */
export function inspectAdapterIn(mounts: readonly Mount[]): InspectAdapter {
  return (path) => inspect(onHost(path, mounts) ?? path);
}

function inspect(path: string): AdapterFiles {
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
