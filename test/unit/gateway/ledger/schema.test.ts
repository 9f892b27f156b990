import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { APPLICATION_ID, MIGRATIONS, migrate } from '../../../../src/gateway/ledger/schema.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { CLASS_KEY } from '../builders.ts';
import { anEntry, openLedger } from './builders.ts';
import { VERSION_1 } from './version-1.ts';

/** A file as version 1 wrote it: one student with one open lease and one answer. */
function writeVersion1(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; ${VERSION_1}`);
  db.exec(`
    INSERT INTO subjects VALUES (1, '${CLASS_KEY}', 'alice', 1788264002000.5, -12.5, 1788264000000, '2026-09-01', 150, 150);
    INSERT INTO models VALUES (1, 'qwen');
    INSERT INTO leases VALUES ('one', 1, 1, 1788264000000, 120, 700, 700, '2026-09-01');
    INSERT INTO entries VALUES (1, '2026-09-01', 496740, 1, 'completed', 1, 100, 40, 50, 0, 0, 1, 80.5, 80.5);
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = 1;
  `);
  db.close();
}

function schemaOf(db: DatabaseSync): unknown[] {
  const rows = db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all();
  return rows.map(({ type, name, sql }) => [type, name, String(sql).replace(/\s+/g, ' ')]);
}

describe('the schema of a ledger', () => {
  test('of version 1 is read by this version, with all that it holds', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'ledger.db');
    writeVersion1(path);
    const ledger = openLedger(path);
    expect(ledger.load()).toMatchObject({
      subjects: [{ classroomKey: CLASS_KEY, studentId: 'alice', tokens: -12.5, totalTokens: 150 }],
      leases: [{ id: 'one', model: 'qwen', expectedPromptTokens: 120 }],
    });
    const student = { classroomKey: CLASS_KEY, studentId: 'alice' };
    const days = { today: '2026-09-01', weekStart: '2026-08-31' };
    expect((await ledger.usageOf(student, days)).today).toMatchObject([
      { model: 'qwen', completionTokens: 50 },
    ]);
    const rows = async () =>
      (await ledger.studentRows(CLASS_KEY, { id: 'alice' }, { from: undefined, to: days.today })).usage;
    expect(await rows()).toMatchObject([
      { day: '2026-09-01', session: null, outcome: 'completed', promptTokens: 100, firstTokenMsMax: 80.5 },
    ]);
    await ledger.settled('one', [], anEntry());
    expect(await rows()).toMatchObject([{ requests: 2, promptTokens: 200 }]);
    ledger.close();
  });

  test('is the same for a new file and for one that was migrated', async () => {
    await using folder = await temporaryFolder();
    const [old, fresh] = ['old', 'new'].map((name) => join(folder.path, name));
    writeVersion1(old ?? '');
    const schemas = [old ?? '', fresh ?? ''].map((path) => {
      openLedger(path).close();
      const db = new DatabaseSync(path);
      const schema = [schemaOf(db), db.prepare('PRAGMA user_version').get()];
      db.close();
      return schema;
    });
    expect(schemas[0]).toEqual(schemas[1]);
  });

  test('version 1 never changes', () => {
    const schemas = [MIGRATIONS[0] ?? '', VERSION_1].map((sql) => {
      const db = new DatabaseSync(':memory:');
      db.exec(sql);
      return schemaOf(db);
    });
    expect(schemas[0]).toEqual(schemas[1]);
  });

  test('a later version adds what is new, and keeps the rows', () => {
    const db = new DatabaseSync(':memory:');
    migrate(db, 'x.db', ['CREATE TABLE a (b TEXT)']);
    db.exec("INSERT INTO a VALUES ('kept')");
    migrate(db, 'x.db', ['CREATE TABLE a (b TEXT)', "ALTER TABLE a ADD COLUMN c TEXT DEFAULT 'new'"]);
    expect(
      db
        .prepare('SELECT b, c FROM a')
        .all()
        .map((row) => Object.values(row)),
    ).toEqual([['kept', 'new']]);
    db.close();
  });

  test('of this version is refused by a gateway of the one before, which changes nothing', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'ledger.db');
    writeVersion1(path);
    openLedger(path).close();
    const before = await readFile(path);
    const db = new DatabaseSync(path);
    expect(() => migrate(db, path, MIGRATIONS.slice(0, 1))).toThrow(
      /written by a newer version of the gateway \(schema 2, this one knows 1\)\. Start that version again/,
    );
    db.close();
    expect(await readFile(path)).toEqual(before);
  });

  test('a migration that fails halfway leaves the file as it was', () => {
    const db = new DatabaseSync(':memory:');
    migrate(db, 'x.db', ['CREATE TABLE a (b TEXT)']);
    const before = schemaOf(db);
    const broken = ['CREATE TABLE a (b TEXT)', 'CREATE TABLE c (d TEXT)', 'CREATE TABLE c (d TEXT)'];
    expect(() => migrate(db, 'x.db', broken)).toThrow('already exists');
    expect([schemaOf(db), Object.values(db.prepare('PRAGMA user_version').get() ?? {})]).toEqual([
      before,
      [1],
    ]);
    db.close();
  });
});
