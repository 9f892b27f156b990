import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { EVENT_REASONS } from '../../../src/api/event-reasons.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../../../src/api/reasons.ts';
import { parseConfiguration } from '../../../src/operator/configuration.ts';
import { createMetrics } from '../../../src/operator/metrics.ts';

const page = readFileSync(new URL('../../../docs/operator.md', import.meta.url), 'utf8');

/** What the page names in back-quotes. */
const named = new Set([...page.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name));

function helpFlags(): string[] {
  const help = parseConfiguration(['--help'], {});
  if (help.kind !== 'print') throw new Error('there is no help');
  return [...help.text.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
}

async function metricNames(): Promise<string[]> {
  const text = await createMetrics([]).text();
  return [...text.matchAll(/^# TYPE gpu_classroom_operator_(\S+)/gm)].map(([, name = '']) => name);
}

describe('docs/operator.md names', () => {
  test('every flag', () => {
    expect(helpFlags().length).toBeGreaterThan(15);
    expect(helpFlags().filter((flag) => !named.has(flag))).toEqual([]);
  });

  test('no flag that does not exist', () => {
    const flags = new Set(helpFlags());
    const documented = [...named].filter((name) => name?.startsWith('--')).map(String);
    expect(documented.filter((flag) => !flags.has(flag))).toEqual([]);
  });

  test('every condition and reason of a Classroom', () => {
    const all = [...Object.values(CLASSROOM_CONDITIONS), ...Object.values(CLASSROOM_REASONS)];
    expect(all.filter((name) => !named.has(name))).toEqual([]);
  });

  test('every event', () => {
    expect(Object.values(EVENT_REASONS).filter((name) => !named.has(name))).toEqual([]);
  });

  test('every metric', async () => {
    expect((await metricNames()).filter((name) => !named.has(name))).toEqual([]);
  });
});
