import { WEEKDAYS } from '../../../src/api/schedule.ts';

/** Distinct valid items of each list of the API, by its path. */
const itemOf: Record<string, (index: number) => unknown> = {
  'spec.model.aliases': (index) => `alias-${index}`,
  'spec.gpu.tolerations': (index) => ({ key: `taint-${index}`, operator: 'Exists' }),
  'spec.engine.extraArgs': (index) => `--flag-${index}`,
  'spec.engine.env': (index) => ({ name: `VARIABLE_${index}`, value: 'on' }),
  'spec.schedule.sessions': (index) => ({ days: [weekday(index)], start: '09:00', end: '17:00' }),
  'spec.schedule.sessions[*].days': weekday,
  'spec.schedule.exceptions': (index) => ({ date: date(index), closed: true }),
  'spec.schedule.exceptions[*].sessions': (index) => ({ start: `0${index % 10}:00`, end: '17:00' }),
  'spec.exam.students': (index) => `student-${index}`,
  'spec.adapters': (index) => ({ name: `adapter-${index}`, path: 'adapters/one' }),
  'spec.fineTuning.window.days': weekday,
  'spec.fineTuning.jobs': (index) => ({
    name: `job-${index}`,
    dataset: { claimName: 'datasets', path: 'sql.jsonl' },
  }),
  'spec.fineTuning.jobs[*].command': (index) => `word-${index}`,
  'status.conditions': (index) => ({
    type: `Aspect${index}`,
    status: 'True',
    lastTransitionTime: '2026-12-01T10:30:00Z',
    reason: 'AsExpected',
    message: '',
  }),
  'status.engines': (index) => ({ name: `engine-${index}`, state: 'Ready' }),
  'status.engines[*].adapters': (index) => `adapter-${index}`,
  'status.adapters': (index) => ({
    name: `adapter-${index}`,
    model: `tiny:adapter-${index}`,
    path: 'adapters/one',
    state: 'Loading',
    loadedEngines: 0,
  }),
  'status.nodePreparation.nodes': (index) => ({
    name: `node-${index}`,
    step: 'Draining',
    layout: 'all-1g.10gb',
    since: '2026-12-01T10:30:00Z',
  }),
  'status.plan.warnings': (index) => `warning ${index}`,
  'status.failures.memorySteps': (index) => ({
    setting: 'MaxNumSeqs',
    from: String(index + 9),
    to: String(index + 8),
    reason: 'OutOfGPUMemory',
    time: '2026-12-01T10:30:00Z',
  }),
  'status.quotaWarnings': (index) => ({
    budget: index === 0 ? 'Day' : 'Course',
    level: 'NearlyUsed',
    limit: 1000,
  }),
  'status.keys': (index) => ({
    generation: 1,
    sha256: index.toString(16).padStart(64, '0'),
    createdTime: '2026-12-01T10:30:00Z',
  }),
};

/** Items for the list at the path. Throws for a list that this file does not know yet. */
export function listItems(path: string, count: number): unknown[] {
  const item = itemOf[path];
  if (item === undefined) throw new Error(`no items for the list ${path}: add them to list-items.ts`);
  return Array.from({ length: count }, (_, index) => item(index));
}

function weekday(index: number): string {
  return WEEKDAYS[index % WEEKDAYS.length] ?? 'Mon';
}

/** The index-th day after New Year 2028, a leap year. */
function date(index: number): string {
  return new Date(Date.UTC(2028, 0, 1 + index)).toISOString().slice(0, 10);
}
