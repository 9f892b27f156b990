import { arch, type CpuInfo, cpus, totalmem, type } from 'node:os';

/** Where and when figures were taken. */
export interface Machine {
  cpus: readonly Pick<CpuInfo, 'model'>[];
  memoryBytes: number;
  platform: string;
  nodeVersion: string;
  at: Date;
}

/** This machine, now. */
export function describeMachine(): Machine {
  return {
    cpus: cpus().map(({ model }) => ({ model })),
    memoryBytes: totalmem(),
    platform: `${type()} ${arch()}`,
    nodeVersion: process.versions.node,
    at: new Date(),
  };
}

/** One sentence without its full stop: a caller may add what else was measured with. */
export function machineText({ cpus, memoryBytes, platform, nodeVersion, at }: Machine): string {
  const memoryGiB = Math.round(memoryBytes / 2 ** 30);
  return (
    `Measured ${at.toISOString().slice(0, 10)} on ${cpus.length} cores (${cpus[0]?.model.trim() ?? 'unknown'}), ` +
    `${memoryGiB} GiB, ${platform}, Node ${nodeVersion}`
  );
}
