import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { instantOf } from '../../kube/instant.ts';
import type { EngineHour } from '../../report/engine-hour.ts';
import { type ActiveRow, type EngineRow, type UsageRow, usageRowSchema } from '../../report/extract.ts';
import { addUsage } from '../../report/usage-sums.ts';
import type { EngineTimeBook } from '../ledger/engine-time.ts';
import type {
  AccountStudent,
  ReportDays,
  ReportHours,
  ReportReader,
  StudentRows,
} from '../ledger/report-reader.ts';
import { JournalUnavailableError } from '../limits/journal.ts';
import { StateStoreUnavailableError, type ValkeyConnection } from './connection.ts';
import type { Keyspace } from './keys.ts';
import type { Script } from './script.ts';
import type { AdmissionScripts } from './scripts/admission.ts';
import { HOURS_KEPT_SECONDS } from './scripts/state.lua.ts';

export interface ValkeyReportsOptions {
  readonly connection: Pick<ValkeyConnection, 'run'>;
  readonly keys: Keyspace;
  readonly scripts: AdmissionScripts;
}

/** Days of a student that one call reads: a script holds up all others. */
const DAYS_AT_ONCE = 32;
const KEPT_DAYS = HOURS_KEPT_SECONDS / (24 * 3600);
/** A row of an earlier day can come after the first one: that of a request that ran over midnight. */
const DAYS_BEFORE_FIRST = 2;

const textsSchema = z.array(z.string());
const listsSchema = z.array(textsSchema);

/** The account that the settling scripts keep, and what engines did. */
export function createValkeyReports(options: ValkeyReportsOptions): ReportReader & EngineTimeBook {
  return new Reports(options);
}

class Reports implements ReportReader, EngineTimeBook {
  readonly keptDays = KEPT_DAYS;
  readonly #options: ValkeyReportsOptions;

  constructor(options: ValkeyReportsOptions) {
    this.#options = options;
  }

  /** Of what was booked by a version that did not remember first days, the day is not known. */
  async studentsOf(classroomKey: string): Promise<readonly AccountStudent[]> {
    const [known = [], subjects = []] = listsSchema.parse(await this.#run('students', classroomKey, []));
    const days = new Map<string, string | undefined>();
    for (const name of subjects) if (name.startsWith('s')) days.set(name.slice(1), undefined);
    for (const [name, day] of pairsOf(known)) days.set(name.slice(1), day);
    return [...days].map(([id, firstDay]) => ({ id, firstDay })).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async studentRows(
    classroomKey: string,
    { id, firstDay }: AccountStudent,
    { from, to }: ReportDays,
  ): Promise<StudentRows> {
    const usage: UsageRow[] = [];
    const active: ActiveRow[] = [];
    for (const days of batches(daysBetween(from, to, firstDay), DAYS_AT_ONCE)) {
      const lists = listsSchema.parse(await this.#run('reportDays', classroomKey, [id, ...days]));
      for (const [index, day] of days.entries()) {
        usage.push(...usageRowsOf(day, lists[2 * index] ?? []));
        active.push(...activeRowsOf(day, lists[2 * index + 1] ?? []));
      }
    }
    return { usage, active };
  }

  /** Which hours there are nobody remembers, only that they are not kept for longer. */
  async firstEngineHour(_: string, to: number): Promise<number> {
    return to - KEPT_DAYS * 24;
  }

  async engineRows(classroomKey: string, { from, to }: ReportHours): Promise<readonly EngineRow[]> {
    const hours = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
    const reply = await this.#run('reportEngines', classroomKey, hours.map(String));
    return listsSchema.parse(reply).flatMap((texts, index) => engineRowsOf(hours[index] ?? 0, texts));
  }

  async engineHours(hours: readonly EngineHour[]): Promise<void> {
    const byClass = Map.groupBy(hours, ({ classroomKey }) => classroomKey);
    for (const [classroomKey, its] of byClass) {
      await this.#run('engines', classroomKey, its.flatMap(textsOf));
    }
  }

  async #run(
    name: 'engines' | 'students' | 'reportDays' | 'reportEngines',
    classroomKey: string,
    values: readonly string[],
  ): Promise<unknown> {
    const { connection, keys, scripts } = this.#options;
    const script: Script = scripts[name];
    try {
      return await connection.run(script, keys.classroom(classroomKey), values);
    } catch (error) {
      if (!(error instanceof StateStoreUnavailableError)) throw error;
      throw new JournalUnavailableError(error.message, error);
    }
  }
}

/** Local days to look at: those that were asked for, as far as there can be something. */
function daysBetween(from: string | undefined, to: string, firstDay: string | undefined): string[] {
  const end = Temporal.PlainDate.from(to);
  const kept = end.subtract({ days: KEPT_DAYS });
  const booked =
    firstDay === undefined ? kept : Temporal.PlainDate.from(firstDay).subtract({ days: DAYS_BEFORE_FIRST });
  const asked = from === undefined ? booked : Temporal.PlainDate.from(from);
  const days: string[] = [];
  let day = [kept, booked, asked].reduce((a, b) => (Temporal.PlainDate.compare(a, b) < 0 ? b : a));
  for (; Temporal.PlainDate.compare(day, end) <= 0; day = day.add({ days: 1 })) days.push(day.toString());
  return days;
}

function batches<Item>(items: readonly Item[], size: number): Item[][] {
  const found: Item[][] = [];
  for (let start = 0; start < items.length; start += size) found.push(items.slice(start, start + size));
  return found;
}

function pairsOf(texts: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < texts.length; i += 2) pairs.push([texts[i] ?? '', texts[i + 1] ?? '']);
  return pairs;
}

/** Before there were sessions a row had none. A model's name may have anything in it, so it comes last. */
const USAGE_FIELD = /^\d+\|(?:(?<session>\d+)\|)?(?<outcome>[a-z-]+)\|(?<model>.*)$/s;

/** @param texts `hour|session|outcome|model` and figures, alternating */
function usageRowsOf(day: string, texts: readonly string[]): UsageRow[] {
  const rows = new Map<string, UsageRow>();
  for (const [field, figures] of pairsOf(texts)) {
    const { session, outcome, model } = USAGE_FIELD.exec(field)?.groups ?? {};
    const [requests, promptTokens, cachedTokens, completionTokens, ...waits] = figures.split(' ').map(Number);
    const [queueWaitMsSum, queueWaitMsMax, firstTokenCount, firstTokenMsSum, firstTokenMsMax] = waits;
    const row = usageRowSchema.parse({
      day,
      session: sessionOf(session),
      model,
      outcome,
      requests,
      promptTokens,
      cachedTokens,
      completionTokens,
      queueWaitMsSum,
      queueWaitMsMax,
      firstTokenCount,
      firstTokenMsSum,
      firstTokenMsMax,
    });
    const key = [row.session ?? '', row.model, row.outcome].join('\n');
    const before = rows.get(key);
    rows.set(key, before === undefined ? row : { ...row, ...addUsage(before, row) });
  }
  // What was booked and then corrected leaves a row of nothing.
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, row]) => (row.requests === 0 ? [] : [row]));
}

/** @param texts `hour|session` and two numbers, alternating */
function activeRowsOf(day: string, texts: readonly string[]): ActiveRow[] {
  return pairsOf(texts)
    .map(([field, minutes]) => {
      const [hour = '', session] = field.split('|');
      const [early = 0, late = 0] = minutes.split(' ').map(Number);
      return { day, session: sessionOf(session), hour: Number(hour), early, late };
    })
    .sort((a, b) => a.hour - b.hour || ((a.session ?? '') < (b.session ?? '') ? -1 : 1));
}

/** @param startMs epoch ms; absent or 0: none */
function sessionOf(startMs: string | undefined): string | null {
  return startMs === undefined || startMs === '0' ? null : instantOf(Number(startMs));
}

/** @param texts engine and five numbers, alternating */
function engineRowsOf(hour: number, texts: readonly string[]): EngineRow[] {
  return pairsOf(texts)
    .map(([engine, figures]) => {
      const [gpus = 0, ...bits] = figures.split(' ').map(Number);
      const [runningEarly = 0, runningLate = 0, usedEarly = 0, usedLate = 0] = bits;
      const running = { early: runningEarly, late: runningLate };
      return { engine, hour, gpus, running, used: { early: usedEarly, late: usedLate } };
    })
    .sort((a, b) => (a.engine < b.engine ? -1 : 1));
}

function textsOf({ hour, engine, gpus, running, used }: EngineHour): string[] {
  return [String(hour), engine, ...[gpus, running.early, running.late, used.early, used.late].map(String)];
}
