import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { type Subject, subjectKeyOf } from '../limits/journal.ts';

/** The numbers of subjects and models, all in memory: nobody else writes to the file. */
export interface Names {
  /** The number of a subject, which is new if need be: within a transaction. */
  subject(subject: Subject): number;
  model(name: string): number;
  /** Undefined for one that was never written. */
  knownSubject(subject: Subject): number | undefined;
  /** The transaction was committed, or was not. */
  keep(): void;
  forget(): void;
}

/** Reads the names of an open ledger. */
export function createNames(db: DatabaseSync): Names {
  const subjects = createIds(
    db.prepare('INSERT INTO subjects (classroom, student) VALUES (?, ?)'),
    db.prepare('SELECT id, classroom || char(10) || student AS key FROM subjects'),
  );
  const models = createIds(
    db.prepare('INSERT INTO models (name) VALUES (?)'),
    db.prepare('SELECT id, name AS key FROM models'),
  );
  return {
    subject(subject) {
      const key = subjectKeyOf(subject);
      return subjects.get(key) ?? subjects.add(key, subject.classroomKey, subject.studentId ?? '');
    },
    model: (name) => models.get(name) ?? models.add(name, name),
    knownSubject: (subject) => subjects.get(subjectKeyOf(subject)),
    keep() {
      subjects.keep();
      models.keep();
    },
    forget() {
      subjects.forget();
      models.forget();
    },
  };
}

interface Ids {
  get(key: string): number | undefined;
  add(key: string, ...columns: readonly string[]): number;
  /** What was added since the last call was committed, or was not. */
  keep(): void;
  forget(): void;
}

const idRowSchema = z.object({ id: z.int(), key: z.string() });

function createIds(insert: StatementSync, select: StatementSync): Ids {
  const ids = new Map<string, number>();
  for (const row of select.iterate()) {
    const { id, key } = idRowSchema.parse(row);
    ids.set(key, id);
  }
  let added: string[] = [];
  return {
    get: (key) => ids.get(key),
    add(key, ...columns) {
      const id = Number(insert.run(...columns).lastInsertRowid);
      ids.set(key, id);
      added.push(key);
      return id;
    },
    keep() {
      if (added.length > 0) added = [];
    },
    forget() {
      for (const key of added) ids.delete(key);
      added = [];
    },
  };
}
