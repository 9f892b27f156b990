import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { LedgerFileError } from './errors.ts';

/** "GPUC": tells our files from those of others (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x47505543;

/**
 * What each version of the schema adds to the one before; entry 0 makes version 1. An entry that was released must
 * never change.
 *
 * `subjects`: students, and classes as a whole with the student ''; names are kept once, rows refer to them. `entries`:
 * one row for each student, UTC hour in which requests ended, local day on which they count, model and outcome. An
 * hour in which a local day ends has two rows, so that days are exact in every time zone. `usage` is for people.
 *
 * Version 2 adds for reports: in which session a request was let in (the epoch ms of its beginning, 0 for none, as for
 * all that was booked before), and as sets of the minutes of an hour (bit 0 of `early` is minute 0, bit 0 of `late`
 * minute 30) when a student was at work, when an engine held its GPUs and when it had requests.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE subjects (
    id INTEGER PRIMARY KEY,
    classroom TEXT NOT NULL,
    student TEXT NOT NULL,
    request_tat_ms REAL,
    tokens REAL,
    tokens_at_ms REAL,
    day TEXT,
    day_tokens INTEGER,
    total_tokens INTEGER,
    UNIQUE (classroom, student)
  ) STRICT;
  CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE leases (
    id TEXT PRIMARY KEY,
    subject INTEGER NOT NULL REFERENCES subjects,
    model INTEGER NOT NULL REFERENCES models,
    admitted_ms REAL NOT NULL,
    expected_prompt_tokens INTEGER NOT NULL,
    student_reserved REAL NOT NULL,
    classroom_reserved REAL NOT NULL,
    day TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entries (
    subject INTEGER NOT NULL REFERENCES subjects,
    day TEXT NOT NULL,
    hour INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES models,
    outcome TEXT NOT NULL,
    requests INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    queue_wait_ms_sum REAL NOT NULL,
    queue_wait_ms_max REAL NOT NULL,
    first_token_count INTEGER NOT NULL,
    first_token_ms_sum REAL NOT NULL,
    first_token_ms_max REAL NOT NULL,
    PRIMARY KEY (subject, day, hour, model, outcome)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entries_by_hour ON entries (subject, hour);
  CREATE VIEW usage AS
    SELECT subjects.classroom, subjects.student, strftime('%Y-%m-%dT%H:00Z', entries.hour * 3600, 'unixepoch') AS hour,
      entries.day, models.name AS model, entries.outcome, entries.requests, entries.prompt_tokens,
      entries.cached_tokens, entries.completion_tokens, entries.queue_wait_ms_sum, entries.queue_wait_ms_max,
      entries.first_token_count, entries.first_token_ms_sum, entries.first_token_ms_max
    FROM entries
    JOIN subjects ON subjects.id = entries.subject
    JOIN models ON models.id = entries.model;
  CREATE TABLE write_checks (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
  `,
  `
  ALTER TABLE leases ADD COLUMN session_ms INTEGER NOT NULL DEFAULT 0;
  DROP VIEW usage;
  ALTER TABLE entries RENAME TO entries_1;
  CREATE TABLE entries (
    subject INTEGER NOT NULL REFERENCES subjects,
    day TEXT NOT NULL,
    session_ms INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES models,
    outcome TEXT NOT NULL,
    requests INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    queue_wait_ms_sum REAL NOT NULL,
    queue_wait_ms_max REAL NOT NULL,
    first_token_count INTEGER NOT NULL,
    first_token_ms_sum REAL NOT NULL,
    first_token_ms_max REAL NOT NULL,
    PRIMARY KEY (subject, day, session_ms, hour, model, outcome)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO entries SELECT subject, day, 0, hour, model, outcome, requests, prompt_tokens, cached_tokens,
    completion_tokens, queue_wait_ms_sum, queue_wait_ms_max, first_token_count, first_token_ms_sum, first_token_ms_max
    FROM entries_1;
  DROP TABLE entries_1;
  CREATE INDEX entries_by_hour ON entries (subject, hour);
  CREATE VIEW usage AS
    SELECT subjects.classroom, subjects.student, strftime('%Y-%m-%dT%H:00Z', entries.hour * 3600, 'unixepoch') AS hour,
      entries.day, models.name AS model, entries.outcome, entries.requests, entries.prompt_tokens,
      entries.cached_tokens, entries.completion_tokens, entries.queue_wait_ms_sum, entries.queue_wait_ms_max,
      entries.first_token_count, entries.first_token_ms_sum, entries.first_token_ms_max,
      iif(entries.session_ms = 0, NULL, strftime('%Y-%m-%dT%H:%M:%SZ', entries.session_ms / 1000, 'unixepoch')) AS session
    FROM entries
    JOIN subjects ON subjects.id = entries.subject
    JOIN models ON models.id = entries.model;
  CREATE TABLE active_minutes (
    subject INTEGER NOT NULL REFERENCES subjects,
    day TEXT NOT NULL,
    session_ms INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    early INTEGER NOT NULL,
    late INTEGER NOT NULL,
    PRIMARY KEY (subject, day, session_ms, hour)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE engine_hours (
    classroom TEXT NOT NULL,
    hour INTEGER NOT NULL,
    engine TEXT NOT NULL,
    gpus REAL NOT NULL,
    running_early INTEGER NOT NULL,
    running_late INTEGER NOT NULL,
    used_early INTEGER NOT NULL,
    used_late INTEGER NOT NULL,
    PRIMARY KEY (classroom, hour, engine)
  ) STRICT, WITHOUT ROWID;
  `,
];

/**
 * Brings a file to the newest schema, in one transaction.
 *
 * @throws LedgerFileError when it is not a ledger, or one of a newer version; it stays as it is
 */
export function migrate(db: DatabaseSync, path: string, migrations: readonly string[] = MIGRATIONS): void {
  const version = checkVersion(db, path, migrations);
  if (version === migrations.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const migration of migrations.slice(version)) db.exec(migration);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

const headerSchema = z.object({ application: z.int(), version: z.int(), objects: z.int() });

/**
 * Reads the version of a file's schema, 0 for a file that is new. Writes nothing.
 *
 * @throws LedgerFileError when it is not a ledger, or one of a newer version
 */
export function checkVersion(
  db: DatabaseSync,
  path: string,
  migrations: readonly string[] = MIGRATIONS,
): number {
  const version = versionOf(db, path);
  if (version <= migrations.length) return version;
  throw new LedgerFileError(
    path,
    `it was written by a newer version of the gateway (schema ${version}, this one knows ${migrations.length})`,
    'Start that version again, or give --ledger another file.',
  );
}

function versionOf(db: DatabaseSync, path: string): number {
  const header = headerSchema.parse(
    db
      .prepare(
        `SELECT (SELECT application_id FROM pragma_application_id) AS application,
          (SELECT user_version FROM pragma_user_version) AS version,
          (SELECT count(*) FROM sqlite_schema) AS objects`,
      )
      .get(),
  );
  if (header.application === APPLICATION_ID) return header.version;
  if (header.application === 0 && header.version === 0 && header.objects === 0) return 0;
  throw new LedgerFileError(path, 'it is a database of another program', 'Give --ledger another file.');
}
