import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasErrorCode } from '../../process/error-code.ts';
import { identify, isRunning, processIdentitySchema } from '../../process/identity.ts';
import type { Clock } from '../engine/clock.ts';
import type { GpuMemory } from '../engine/gpu-memory.ts';

const pointSchema = z.object({ atMs: z.number(), gib: z.number().min(0) });

/** What one process holds: a straight line between two moments, flat before and after. */
const holdingSchema = z.object({ process: processIdentitySchema, from: pointSchema, to: pointSchema });
type Holding = z.infer<typeof holdingSchema>;

export interface SharedGpuOptions {
  /** A folder that stands for the GPU: all simulators on it are given the same one. */
  readonly folder: string;
  /** A file name of this process's own in it. */
  readonly engine: string;
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Of this process. */
  readonly pid: number;
}

const HOLDING = '.json';

/**
 * The memory of a GPU on which several simulators run as processes of one machine. Each writes what it holds into a
 * file; of a process that is gone nothing counts, however it ended.
 */
export function sharedGpu({ folder, engine, clock, pid }: SharedGpuOptions): GpuMemory {
  const own = identify(pid);
  if (own === undefined) throw new Error(`process ${pid} does not run`);
  const file = join(folder, `${engine}${HOLDING}`);
  let holding: Holding | undefined;
  mkdirSync(folder, { recursive: true });

  return {
    usedByOthersGiB() {
      const nowMs = clock.wallMs();
      return readdirSync(folder)
        .filter((name) => name.endsWith(HOLDING) && name !== `${engine}${HOLDING}`)
        .map((name) => readHolding(join(folder, name)))
        .filter((other) => other !== undefined && isRunning(other.process))
        .reduce((sum, other) => sum + (other === undefined ? 0 : heldAt(other, nowMs)), 0);
    },
    hold(gib, overMs = 0) {
      const atMs = clock.wallMs();
      const before = holding === undefined ? 0 : heldAt(holding, atMs);
      holding = { process: own, from: { atMs, gib: before }, to: { atMs: atMs + overMs, gib } };
      // Others read at any moment: a file is there as a whole or not at all.
      writeFileSync(`${file}.new`, JSON.stringify(holding));
      renameSync(`${file}.new`, file);
    },
    release() {
      holding = undefined;
      rmSync(file, { force: true });
    },
  };
}

/** @returns undefined when the process has just taken its file away */
function readHolding(file: string): Holding | undefined {
  try {
    return holdingSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function heldAt({ from, to }: Holding, nowMs: number): number {
  if (nowMs >= to.atMs) return to.gib;
  const share = Math.max(0, (nowMs - from.atMs) / (to.atMs - from.atMs));
  return from.gib + share * (to.gib - from.gib);
}
