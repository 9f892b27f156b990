import { readdirSync, readFileSync } from 'node:fs';

/** A process with all its descendants: nginx works in a child. */
export function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

/** CPU time of all threads of a process and its descendants, ms. https://docs.kernel.org/scheduler/sched-stats.html */
export function cpuMsOf(pid: number): number {
  return processTree(pid)
    .flatMap((one) => readdirSync(`/proc/${one}/task`).map((task) => `/proc/${one}/task/${task}/schedstat`))
    .reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6, 0);
}

/** Memory that a process and its descendants hold now, MiB. */
export function residentMiBOf(pid: number): number {
  return processTree(pid).reduce((sum, one) => {
    const kiB = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1];
    return sum + Number(kiB ?? 0) / 1024;
  }, 0);
}
