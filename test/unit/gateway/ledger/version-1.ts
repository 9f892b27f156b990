/** The schema of version 1, word for word as it was released: what files of that version have. */
export const VERSION_1 = `
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
  `;
