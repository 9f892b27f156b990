import { readdirSync, readFileSync } from 'node:fs';

/** A process with all its descendants: nginx works in a child. */
export function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    fileOf(`/proc/${pid}/task/${task}/children`).trim().split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

/** CPU time of all threads of a process and its descendants, ms. https://docs.kernel.org/scheduler/sched-stats.html */
export function cpuMsOf(pid: number): number {
  return processTree(pid)
    .flatMap((one) => readdirSync(`/proc/${one}/task`).map((task) => `/proc/${one}/task/${task}/schedstat`))
    .reduce((sum, file) => sum + Number(fileOf(file).split(' ')[0]) / 1e6, 0);
}

/** Memory that a process and its descendants hold now, MiB. */
export function residentMiBOf(pid: number): number {
  return processTree(pid).reduce((sum, one) => {
    const kiB = /^VmRSS:\s+(\d+) kB/m.exec(fileOf(`/proc/${one}/status`))?.[1];
    return sum + Number(kiB ?? 0) / 1024;
  }, 0);
}

/** Empty where the thread or process has ended since it was listed. */
function fileOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}
