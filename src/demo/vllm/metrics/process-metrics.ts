import type { Registry } from './exposition.ts';

/** What the process itself knows. */
export interface ProcessFacts {
  readonly startedSeconds: number;
  readonly residentBytes: () => number;
  readonly cpuSeconds: () => number;
}

/**
 * The metrics that Python's client adds on its own. The names are Python's; memory and CPU time are those of this
 * process, and what only Python has (its garbage collector) stays 0.
 */
export function registerProcessMetrics(registry: Registry, facts: ProcessFacts): () => void {
  const generations = ['0', '1', '2'];
  const collector = (name: string, help: string): void => {
    const series = registry.bareCounter(`python_gc_${name}_total`, help);
    for (const generation of generations) series.with({ generation });
  };
  collector('objects_collected', 'Objects collected during gc');
  collector('objects_uncollectable', 'Uncollectable objects found during GC');
  collector('collections', 'Number of times this generation was collected');
  registry.gauge('python_info', 'Python platform information').with({
    implementation: 'CPython',
    major: '3',
    minor: '12',
    patchlevel: '3',
    version: '3.12.3',
  }).value = 1;
  const resident = 'process_resident_memory_bytes';
  const gauges = {
    virtual: registry.gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.').with({}),
    resident: registry.gauge(resident, 'Resident memory size in bytes.').with({}),
    started: registry
      .gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.')
      .with({}),
    cpu: registry
      .bareCounter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.')
      .with({}),
  };
  registry.gauge('process_open_fds', 'Number of open file descriptors.').with({});
  registry.gauge('process_max_fds', 'Maximum number of open file descriptors.').with({});
  gauges.started.value = facts.startedSeconds;
  return () => {
    gauges.resident.value = facts.residentBytes();
    gauges.virtual.value = facts.residentBytes();
    gauges.cpu.value = facts.cpuSeconds();
  };
}
