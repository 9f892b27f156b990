import type { Clock, Timer } from '../../kube/clock.ts';
import { describeError, type Logger } from '../../kube/log.ts';
import { JournalUnavailableError, type LimitJournal } from '../limits/journal.ts';
import { Batch } from './batch.ts';
import type { LedgerDatabase } from './database.ts';
import type { EngineTimeBook } from './engine-time.ts';
import { whyOf } from './errors.ts';
import { createNames } from './names.ts';
import { createLedgerReader, type LedgerReader } from './reader.ts';
import { createReportQueries, type ReportQueries } from './report-queries.ts';
import type { ReportReader } from './report-reader.ts';
import type { UsageReader } from './usage-reader.ts';
import { createLedgerWriter, type LedgerWriter } from './writer.ts';

/** How often writing is tried while it does not work, and the longest that a refused request waits to be booked. */
const RETRY_MS = 1_000;

/** The account of a gateway: the state of the limits, what runs, and what was used. */
export interface Ledger extends LimitJournal, UsageReader, ReportReader, EngineTimeBook {
  /** Why writing does not work now; undefined while it does. It is tried again every second, and with each write. */
  readonly trouble: string | undefined;
  /** Writes what waits and closes the file. Nothing may be called any more. */
  close(): void;
}

export interface LedgerOptions {
  readonly file: LedgerDatabase;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * A ledger on SQLite with group commit: all that one turn of the event loop books is one transaction at its end, and
 * every promise of that turn resolves after the COMMIT.
 */
export function createLedger({ file, clock, log }: LedgerOptions): Ledger {
  const journal = new SqliteJournal(file, clock, log);
  return {
    load: () => journal.load(),
    admitted(lease, subjects) {
      journal.batch.admitted(lease, subjects);
      return journal.atEndOfTurn();
    },
    settled(leaseId, subjects, entry) {
      journal.batch.settled(leaseId, subjects, entry);
      return journal.atEndOfTurn();
    },
    withdrawn: (subjects) => journal.batch.withdrawn(subjects),
    throttled(entry) {
      journal.batch.refused(entry);
      journal.soon();
    },
    usageOf: async (student, days) => journal.read((reader) => reader.usageOf(student, days)),
    keptDays: undefined,
    studentsOf: async (classroomKey) => journal.report((queries) => queries.studentsOf(classroomKey)),
    studentRows: async (classroomKey, student, days) =>
      journal.report((queries) => queries.studentRows(classroomKey, student, days)),
    firstEngineHour: async (classroomKey, to) =>
      journal.report((queries) => queries.firstEngineHour(classroomKey, to)),
    engineRows: async (classroomKey, hours) =>
      journal.report((queries) => queries.engineRows(classroomKey, hours)),
    engineHours(hours) {
      journal.batch.engines(hours);
      return journal.atEndOfTurn();
    },
    get trouble() {
      return journal.trouble;
    },
    close() {
      journal.close();
      file.close();
    },
  };
}

class SqliteJournal {
  batch = new Batch();
  trouble: string | undefined;
  readonly #file: LedgerDatabase;
  readonly #reader: LedgerReader;
  readonly #queries: ReportQueries;
  readonly #writer: LedgerWriter;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Shared by all writes of this turn. */
  #turn: PromiseWithResolvers<void> | undefined;
  #timer: Timer | undefined;

  constructor(file: LedgerDatabase, clock: Clock, log: Logger) {
    this.#file = file;
    const names = createNames(file.db);
    this.#reader = createLedgerReader(file.db, names);
    this.#queries = createReportQueries(file.db, names);
    this.#writer = createLedgerWriter(file.db, names, this.#reader.onBooked);
    this.#clock = clock;
    this.#log = log;
  }

  load(): ReturnType<LimitJournal['load']> {
    return this.read((reader) => reader.load());
  }

  read<T>(query: (reader: LedgerReader) => T): T {
    return readable(() => query(this.#reader));
  }

  report<T>(query: (queries: ReportQueries) => T): T {
    return readable(() => query(this.#queries));
  }

  atEndOfTurn(): Promise<void> {
    if (this.#turn === undefined) {
      this.#turn = Promise.withResolvers();
      setImmediate(this.#commit);
    }
    return this.#turn.promise;
  }

  soon(): void {
    this.#timer ??= this.#clock.setTimeout(this.#onTimer, RETRY_MS);
  }

  close(): void {
    this.#commit();
    this.#timer?.cancel();
    if (this.trouble === undefined) return;
    const requests = this.batch.bookings.length;
    this.#log.error(
      { requests, why: this.trouble },
      'The gateway ends with requests that could not be booked',
    );
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#commit();
  };

  readonly #commit = (): void => {
    const turn = this.#turn;
    this.#turn = undefined;
    const { batch } = this;
    try {
      this.#file.checkPlace(this.#clock.monotonic());
      // Without anything to book this is how a disk that has room again is noticed.
      if (this.trouble !== undefined) this.#writer.check();
      this.#writer.write(batch);
    } catch (error) {
      this.#failed(error);
      turn?.reject(new JournalUnavailableError(whyOf(error), error));
      return;
    }
    this.batch = new Batch();
    this.#works();
    turn?.resolve();
    this.#file.committed(this.#clock.monotonic());
  };

  #failed(error: unknown): void {
    this.batch.withdrawLeases();
    if (this.trouble === undefined) {
      this.#log.error(describeError(error), 'The ledger cannot be written: new requests are refused');
    }
    this.trouble = whyOf(error);
    this.soon();
  }

  #works(): void {
    if (this.trouble === undefined) return;
    this.trouble = undefined;
    this.#log.info({}, 'The ledger can be written again');
  }
}

function readable<T>(query: () => T): T {
  try {
    return query();
  } catch (error) {
    throw new JournalUnavailableError(whyOf(error), error);
  }
}
