import { readFileSync } from 'node:fs';

/** What a process has used so far. */
export interface ProcessUsage {
  cpuSeconds: number;
  /** The most memory it ever held. */
  peakMiB: number;
}

/** Kernel ticks a second: fixed at 100 for user space on Linux (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/**
 * Reads /proc, so Linux only.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command in parentheses and may hold spaces; the 14th and 15th are user and system ticks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const peakKiB = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds: ticks / TICKS_PER_SECOND, peakMiB: Number(peakKiB ?? Number.NaN) / 1024 };
}
