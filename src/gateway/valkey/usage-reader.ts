import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { type OutcomeSums, usageByModel } from '../ledger/model-usage.ts';
import type { UsageReader } from '../ledger/usage-reader.ts';
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
        today: usageByModel(periods.slice(days.length - 1, days.length).flat()),
        week: usageByModel(periods.slice(0, days.length).flat()),
        total: usageByModel(periods.slice(days.length).flat()),
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

/** @param texts `hour|session|outcome|model` of a day, or `outcome|model`, and figures, alternating */
function rowsOf(texts: readonly string[]): OutcomeSums[] {
  const rows: OutcomeSums[] = [];
  for (let i = 0; i + 1 < texts.length; i += 2) {
    // A model's name may have anything in it, so it comes last.
    const [, outcome = '', model = ''] = /^(?:\d+\|)*([a-z-]+)\|(.*)$/s.exec(texts[i] ?? '') ?? [];
    const figures = (texts[i + 1] ?? '').split(' ').map(Number);
    const [requests = 0, promptTokens = 0, cachedTokens = 0, completionTokens = 0, queueWaitMs = 0] = figures;
    rows.push({ outcome, model, requests, promptTokens, cachedTokens, completionTokens, queueWaitMs });
  }
  return rows;
}

function unavailable(error: unknown): never {
  if (!(error instanceof StateStoreUnavailableError)) throw error;
  throw new JournalUnavailableError(error.message, error);
}
