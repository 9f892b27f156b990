import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import type { ModelUsage, PeriodUsage, UsageReader } from '../ledger/usage-reader.ts';
import { JournalUnavailableError } from '../limits/journal.ts';
import { StateStoreUnavailableError, type ValkeyConnection } from './connection.ts';
import type { Keyspace } from './keys.ts';
import type { AdmissionScripts } from './scripts/admission.ts';

export interface ValkeyUsageReaderOptions {
  readonly connection: Pick<ValkeyConnection, 'run'>;
  readonly keys: Keyspace;
  readonly scripts: AdmissionScripts;
}

const replySchema = z.array(z.array(z.string()));

/** The account that the settling scripts keep, read in one step. */
export function createValkeyUsageReader({
  connection,
  keys,
  scripts,
}: ValkeyUsageReaderOptions): UsageReader {
  return {
    async usageOf({ classroomKey, studentId }, { today, weekStart }) {
      const days = daysBetween(weekStart, today);
      const reply = await connection
        .run(scripts.usage, keys.classroom(classroomKey), [studentId, ...days])
        .catch(unavailable);
      const periods = replySchema.parse(reply).map(rowsOf);
      return {
        today: usageOf(periods.slice(days.length - 1, days.length)),
        week: usageOf(periods.slice(0, days.length)),
        total: usageOf(periods.slice(days.length)),
      };
    },
  };
}

function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  const end = Temporal.PlainDate.from(last);
  let day = Temporal.PlainDate.from(first);
  while (Temporal.PlainDate.compare(day, end) <= 0) {
    days.push(day.toString());
    day = day.add({ days: 1 });
  }
  return days;
}

interface Row {
  readonly outcome: string;
  readonly model: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** @param texts `hour|outcome|model` of a day, or `outcome|model`, and figures, alternating */
function rowsOf(texts: readonly string[]): Row[] {
  const rows: Row[] = [];
  for (let i = 0; i + 1 < texts.length; i += 2) {
    // A model's name may have anything in it, so it comes last.
    const [, outcome = '', model = ''] = /^(?:\d+\|)?([a-z-]+)\|(.*)$/s.exec(texts[i] ?? '') ?? [];
    const [requests = 0, promptTokens = 0, cachedTokens = 0, completionTokens = 0] = (texts[i + 1] ?? '')
      .split(' ')
      .map(Number);
    rows.push({ outcome, model, requests, promptTokens, cachedTokens, completionTokens });
  }
  return rows;
}

function usageOf(periods: readonly Row[][]): PeriodUsage {
  const byModel = new Map<string, ModelUsage>();
  for (const row of periods.flat()) byModel.set(row.model, added(byModel.get(row.model), row));
  return [...byModel.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
}

function added(to: ModelUsage | undefined, row: Row): ModelUsage {
  const { model, outcome, requests } = row;
  return {
    model,
    requests: (to?.requests ?? 0) + (outcome === 'throttled' ? 0 : requests),
    completed: (to?.completed ?? 0) + (outcome === 'completed' ? requests : 0),
    throttled: (to?.throttled ?? 0) + (outcome === 'throttled' ? requests : 0),
    promptTokens: (to?.promptTokens ?? 0) + row.promptTokens,
    cachedTokens: (to?.cachedTokens ?? 0) + row.cachedTokens,
    completionTokens: (to?.completionTokens ?? 0) + row.completionTokens,
  };
}

function unavailable(error: unknown): never {
  if (!(error instanceof StateStoreUnavailableError)) throw error;
  throw new JournalUnavailableError(error.message, error);
}
