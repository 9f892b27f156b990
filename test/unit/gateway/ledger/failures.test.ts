import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, open, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from '@jest/globals';
import { type LedgerDatabase, openLedgerFile } from '../../../../src/gateway/ledger/database.ts';
import { createLedger, type Ledger } from '../../../../src/gateway/ledger/ledger.ts';
import { createLocalAdmission } from '../../../../src/gateway/limits/local-admission.ts';
import { silentLogger } from '../../../../src/kube/log.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { startGatewayProcess } from '../../../support/gateway-process.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { aClassroom, alice, bobsSeat, CLASS_KEY } from '../builders.ts';
import { type LogLine, recordingLogger } from '../recording-logger.ts';
import { aLease, anEntry, aState, openLedger, TODAY } from './builders.ts';

const ALICE = { classroomKey: CLASS_KEY, studentId: 'alice' };
const DAYS = { today: TODAY, weekStart: '2026-08-31' };

/** A file with enough rows to have many pages. */
async function writeLedger(path: string): Promise<void> {
  const ledger = openLedger(path);
  const rows = Array.from({ length: 2_000 }, (_, number) =>
    ledger.settled(`lease-${number}`, [], anEntry({ studentId: `student-${number}` })),
  );
  await Promise.all(rows);
  ledger.close();
}

async function overwrite(path: string, fromByte: number, bytes: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(bytes, 0, bytes.length, fromByte);
  await file.close();
}

describe('a file that cannot be used', () => {
  const cases: readonly [string, (path: string) => Promise<void>, RegExp][] = [
    [
      'of another kind',
      (path) => writeFile(path, 'a,b\n1,2\n'.repeat(1000)),
      /it is no SQLite database\. Give --ledger another file/,
    ],
    [
      'of another program',
      async (path) => {
        const db = new DatabaseSync(path);
        db.exec('CREATE TABLE songs (title TEXT)');
        db.close();
      },
      /it is a database of another program\. Give --ledger another file/,
    ],
    [
      'of a newer version',
      async (path) => {
        await writeLedger(path);
        const db = new DatabaseSync(path);
        db.exec('PRAGMA user_version = 99');
        db.close();
      },
      /it was written by a newer version of the gateway \(schema 99, this one knows \d+\)\. Start that version again/,
    ],
    [
      'with damaged pages',
      async (path) => {
        await writeLedger(path);
        const { size } = await stat(path);
        for (let page = 2; page * 4096 < size; page += 3)
          await overwrite(path, page * 4096, Buffer.alloc(200, 0xa5));
      },
      /it is damaged \(.+\)\. Restore a backup, or rescue what can be read: sqlite3 .+ \.recover .+ move .+ away/,
    ],
    [
      'cut short',
      async (path) => {
        await writeLedger(path);
        await writeFile(path, (await readFile(path)).subarray(0, 20_000));
      },
      /it is damaged/,
    ],
  ];

  test.each(cases)('%s is named with what to do, and stays as it is', async (_, make, want) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'ledger.db');
    await make(path);
    const before = await readFile(path);
    expect(() => openLedgerFile(path)).toThrow(want);
    expect(() => openLedgerFile(path)).toThrow(`${path} (--ledger) cannot be used: `);
    expect((await readFile(path)).equals(before)).toBe(true);
  });

  test('in a folder that is not there', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'no', 'ledger.db');
    expect(() => openLedgerFile(path)).toThrow(
      `there is no folder ${folder.path}/no. Make it, or mount a volume there: mkdir -p ${folder.path}/no`,
    );
  });

  test('that is a folder', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'ledger.db');
    await mkdir(path);
    expect(() => openLedgerFile(path)).toThrow('the file must not be a folder');
  });

  test.each([
    ['that is read-only', 0o444, 0o777],
    ['in a read-only folder', 0o666, 0o555],
  ])('%s', async (_, fileMode, folderMode) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'ledger.db');
    await writeLedger(path);
    await chmod(path, fileMode);
    await chmod(folder.path, folderMode);
    expect(await openAsNobody(path)).toMatch(
      /cannot be used: .+ The gateway needs to write to the file and to its folder/,
    );
    await chmod(folder.path, 0o777);
  });

  test('that another gateway has open, also under another name', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'ledger.db');
    const first = openLedger(path);
    await symlink(path, join(folder.path, 'link.db'));
    for (const name of ['ledger.db', 'link.db']) {
      expect(() => openLedgerFile(join(folder.path, name))).toThrow(
        'another gateway has it open. Stop that one, or give each gateway a file of its own.',
      );
    }
    first.close();
    openLedger(path).close();
  });
});

test('a gateway says in one line why it does not start', async () => {
  const gateway = startGatewayProcess(['--ledger=/no/such/folder/ledger.db']);
  expect(await gateway.exited()).toBe(1);
  expect(gateway.output().trim().split('\n').at(-1)).toBe(
    '/no/such/folder/ledger.db (--ledger) cannot be used: there is no folder /no/such/folder. Make it, or mount a volume there: mkdir -p /no/such/folder',
  );
});

/** What a process without the rights of root says when it opens the file. */
async function openAsNobody(path: string): Promise<string> {
  const writer = join(import.meta.dirname, '../../../support/ledger-writer.ts');
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(process.execPath, ['--no-warnings', writer, path], {
    ...nobody,
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    // It was not to get this far.
    if (text.includes('admitted')) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return text;
}

interface Scene {
  readonly ledger: Ledger;
  readonly file: LedgerDatabase;
  readonly clock: FakeClock;
  readonly log: readonly LogLine[];
}

/** A ledger whose disk can be filled. */
async function onDisk(run: (scene: Scene) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const log: LogLine[] = [];
  const clock = createFakeClock();
  const file = openLedgerFile(join(folder.path, 'ledger.db'));
  const ledger = createLedger({ file, clock, log: recordingLogger(log) });
  await ledger.admitted(aLease('running'), [aState()]);
  await run({ ledger, file, clock, log });
  ledger.close();
}

const fillDisk = ({ file }: Scene) => file.db.exec('PRAGMA max_page_count = 1');
const makeRoom = ({ file }: Scene) => file.db.exec('PRAGMA max_page_count = 1000000');

/** So much that it needs new pages. */
const manyStates = Array.from({ length: 500 }, (_, number) => aState({ studentId: `student-${number}` }));

describe('a disk that becomes full', () => {
  test('lets no request begin, and says so once', () =>
    onDisk(async (scene) => {
      fillDisk(scene);
      for (const id of ['a', 'b']) {
        await expect(scene.ledger.admitted(aLease(id), manyStates)).rejects.toThrow(
          'The account of used tokens cannot be written: the disk is full',
        );
      }
      expect(scene.ledger.trouble).toBe('the disk is full');
      expect(scene.log.map(({ message }) => message)).toEqual([
        'The ledger cannot be written: new requests are refused',
      ]);
      expect(scene.ledger.load().leases.map(({ id }) => id)).toEqual(['running']);
      makeRoom(scene);
    }));

  test('takes nothing of a student whom it refuses, also not for a gateway that starts afterwards', () =>
    onDisk(async (scene) => {
      const { ledger, clock } = scene;
      const newLeaseId = () => 'so long that it needs new pages '.repeat(1_000);
      const options = { clock, journal: ledger, log: silentLogger, newLeaseId, leaseMs: 3_600_000 };
      const bob = alice(aClassroom(), bobsSeat());
      const prompt = { promptTokens: 50_000, expectedPromptTokens: 10_000 };
      const cost = { model: 'qwen', ...prompt, outputTokens: 100, answers: 1 };

      const admission = await createLocalAdmission(options);
      const before = await admission.limitsOf(bob);
      fillDisk(scene);
      expect(await admission.admit(bob, cost)).toMatchObject({ refusal: { code: 'usage_not_counted' } });
      makeRoom(scene);
      await clock.advance(1_000);
      expect(ledger.trouble).toBeUndefined();
      expect(await (await createLocalAdmission(options)).limitsOf(bob)).toEqual(
        before.map((limit) => expect.objectContaining({ name: limit.name, remaining: limit.remaining })),
      );
    }));

  test('with the first write that works, what has ended meanwhile is booked once', () =>
    onDisk(async (scene) => {
      const { ledger } = scene;
      fillDisk(scene);
      await expect(ledger.settled('running', manyStates, anEntry())).rejects.toThrow('the disk is full');
      expect((await ledger.usageOf(ALICE, DAYS)).total).toEqual([]);
      makeRoom(scene);
      await ledger.admitted(aLease('next'), [aState()]);
      expect(ledger.trouble).toBeUndefined();
      expect((await ledger.usageOf(ALICE, DAYS)).total).toMatchObject([{ requests: 1, promptTokens: 100 }]);
      expect(ledger.load().leases.map(({ id }) => id)).toEqual(['next']);
    }));

  test('is tried every second, without a request', () =>
    onDisk(async (scene) => {
      const { ledger, clock, log } = scene;
      fillDisk(scene);
      await expect(ledger.settled('running', manyStates, anEntry())).rejects.toThrow();
      await clock.advance(10_000);
      expect(ledger.trouble).toBe('the disk is full');
      makeRoom(scene);
      await clock.advance(1_000);
      expect(ledger.trouble).toBeUndefined();
      expect(log.at(-1)?.message).toBe('The ledger can be written again');
      expect((await ledger.usageOf(ALICE, DAYS)).total).toHaveLength(1);
    }));

  test('says how many requests are not booked when the gateway ends so', async () => {
    await using folder = await temporaryFolder();
    const log: LogLine[] = [];
    const file = openLedgerFile(join(folder.path, 'ledger.db'));
    const ledger = createLedger({ file, clock: createFakeClock(), log: recordingLogger(log) });
    file.db.exec('PRAGMA query_only = 1');
    await expect(ledger.settled('a', [], anEntry())).rejects.toThrow('the file cannot be written to');
    ledger.close();
    expect(log.at(-1)).toMatchObject({ fields: { requests: 1, why: 'the file cannot be written to' } });
  });
});

describe('a file that is deleted or moved while it is open', () => {
  test('is noticed within a second, and works again when it is back', () =>
    onDisk(async ({ ledger, file, clock }) => {
      const path = file.db.location() ?? '';
      await rename(path, `${path}.moved`);
      await clock.advance(1_000);
      await expect(ledger.admitted(aLease('a'), [aState()])).rejects.toThrow(
        `${path} was moved, deleted or replaced: put it back, or restart the gateway`,
      );
      await writeFile(path, 'another file');
      await expect(ledger.settled('running', [aState()], anEntry())).rejects.toThrow(
        'moved, deleted or replaced',
      );
      await rename(`${path}.moved`, path);
      await clock.advance(1_000);
      expect(ledger.trouble).toBeUndefined();
      expect((await ledger.usageOf(ALICE, DAYS)).total).toHaveLength(1);
    }));
});

describe('a file that is damaged while it is open', () => {
  test('refuses to write, and to tell what it cannot read', () =>
    onDisk(async ({ ledger, file }) => {
      // Makes SQLite read the file again, as after other programs' writes.
      file.db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory');
      const path = file.db.location() ?? '';
      const { size } = await stat(path);
      await overwrite(path, 4096, Buffer.alloc(size - 4096, 0xa5));
      await expect(ledger.admitted(aLease('a'), manyStates)).rejects.toThrow('the file is damaged');
      await expect(ledger.usageOf(ALICE, DAYS)).rejects.toThrow('the file is damaged');
      expect(ledger.trouble).toBe('the file is damaged');
    }));
});
