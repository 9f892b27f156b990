import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createCheckpointer } from './checkpointer.ts';
import { LedgerFileError, LedgerMovedError, troubleOf, whyOf } from './errors.ts';
import { checkVersion, migrate } from './schema.ts';

/** How long a write waits while a backup or a person's query holds the file. */
const BUSY_TIMEOUT_MS = 2_000;

const PLACE_CHECK_MS = 1_000;

/** Pages of 4 KiB: a log that nobody else has emptied by then is emptied by the commit that comes next. */
const MAX_LOG_PAGES = 16_000;

/** A write that changes nothing that matters, to see whether writing works. */
export const WRITE_CHECK =
  'INSERT INTO write_checks VALUES (1, 1) ON CONFLICT DO UPDATE SET count = count + 1';

/** An open ledger file that no other gateway has open. */
export interface LedgerDatabase {
  readonly db: DatabaseSync;
  /**
   * Before each commit. Looks at most once a second. @param nowMs monotonic
   *
   * @throws LedgerMovedError
   */
  checkPlace(nowMs: number): void;
  /** After each commit. @param nowMs monotonic */
  committed(nowMs: number): void;
  /** Empties the write-ahead log and lets go of the file. */
  close(): void;
}

/**
 * Opens a ledger, or makes a new one.
 *
 * WAL with `synchronous=NORMAL`: what was committed survives the end of the process, however it comes, because it is
 * in the system's page cache; a power cut may take the last commits with it, never the file's integrity
 * (https://www.sqlite.org/pragma.html#pragma_synchronous).
 *
 * @throws LedgerFileError; the file stays as it is
 */
export function openLedgerFile(path: string): LedgerDatabase {
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) {
    const advice = `Make it, or mount a volume there: mkdir -p ${folder}`;
    throw new LedgerFileError(path, `there is no folder ${folder}`, advice);
  }
  const lock = lockFile(path);
  try {
    const db = openChecked(path);
    const checkpointer = createCheckpointer(path);
    return {
      db,
      checkPlace: createPlaceCheck(path),
      committed: checkpointer.committed,
      close() {
        checkpointer.stop();
        closeEmptied(db);
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Writes to a file that was deleted succeed, and end with the process: https://www.sqlite.org/howtocorrupt.html#unlink
 */
function createPlaceCheck(path: string): (nowMs: number) => void {
  const inode = inodeOf(path);
  let dueMs = Number.NEGATIVE_INFINITY;
  return (nowMs) => {
    if (nowMs < dueMs) return;
    if (inodeOf(path) !== inode) throw new LedgerMovedError(path);
    dueMs = nowMs + PLACE_CHECK_MS;
  };
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** With another connection open, closing alone would leave the log behind; it is no loss, but a file more to copy. */
function closeEmptied(db: DatabaseSync): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // A disk that is full or gone: the log stays beside the file, and the next start reads both.
  }
  db.close();
}

/** A ledger in memory: it ends with the process. */
export function openLedgerInMemory(): LedgerDatabase {
  const db = new DatabaseSync(':memory:');
  migrate(db, ':memory:');
  return { db, checkPlace() {}, committed() {}, close: () => db.close() };
}

/**
 * Two gateways on one file would each admit up to the limit. The lock is a transaction that is never ended, on a file
 * beside the ledger, because a lock on the ledger itself would also keep out backups. The system releases it when the
 * process ends, however it ends.
 */
function lockFile(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${existsSync(path) ? realpathSync(path) : resolve(path)}.lock`, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (troubleOf(error) !== 'busy') throw unusable(path, error);
    const advice = 'Stop that one, or give each gateway a file of its own.';
    throw new LedgerFileError(path, 'another gateway has it open', advice, error);
  }
}

function openChecked(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    // Before anything is written: it may be a file of somebody else's.
    checkVersion(db, path);
    checkIntegrity(db, path);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY');
    db.exec(`PRAGMA wal_autocheckpoint = ${MAX_LOG_PAGES}`);
    migrate(db, path);
    checkWritable(db);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof LedgerFileError ? error : unusable(path, error);
  }
}

/** Damage that is found only when a student's row is needed would be found in the middle of a lesson. */
function checkIntegrity(db: DatabaseSync, path: string): void {
  const [finding] = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {});
  if (finding !== 'ok') throw damaged(path, String(finding));
}

/** A disk that is full or read-only is found now, and not by the first student. */
function checkWritable(db: DatabaseSync): void {
  db.exec(WRITE_CHECK);
}

function unusable(path: string, error: unknown): LedgerFileError {
  switch (troubleOf(error)) {
    case 'notADatabase':
      return new LedgerFileError(path, 'it is no SQLite database', 'Give --ledger another file.', error);
    case 'corrupt':
      return damaged(path, error instanceof Error ? error.message : '', error);
    case 'full':
      return new LedgerFileError(path, 'the disk is full', 'Make room, then start again.', error);
    case 'readOnly':
      return new LedgerFileError(
        path,
        'it cannot be written to',
        `The gateway needs to write to the file and to its folder ${dirname(resolve(path))}.`,
        error,
      );
    case 'cannotOpen':
      return new LedgerFileError(
        path,
        `neither it nor ${join(dirname(resolve(path)), '*.lock')} can be opened`,
        'The gateway needs to write to the file and to its folder, and the file must not be a folder.',
        error,
      );
    case 'busy':
    case undefined:
      return new LedgerFileError(path, whyOf(error), 'Look at the file, then start again.', error);
  }
}

function damaged(path: string, finding: string, cause?: unknown): LedgerFileError {
  return new LedgerFileError(
    path,
    `it is damaged (${finding.replaceAll('\n', ' ')})`,
    `Restore a backup, or rescue what can be read: sqlite3 ${path} .recover | sqlite3 recovered.db. To begin anew, move ${path} away together with ${path}-wal; every limit then starts as on the first day.`,
    cause,
  );
}
