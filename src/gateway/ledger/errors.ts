import { z } from 'zod';

/** The file cannot be used as a ledger. It was left as it is. */
export class LedgerFileError extends Error {
  /** @param advice what to do now, in full sentences */
  constructor(path: string, why: string, advice: string, cause?: unknown) {
    super(`${path} (--ledger) cannot be used: ${why}. ${advice}`, { cause });
    this.name = 'LedgerFileError';
  }
}

/** The open file is no longer under its name: what is written to it ends with the process. */
export class LedgerMovedError extends Error {
  constructor(path: string) {
    super(`${path} was moved, deleted or replaced: put it back, or restart the gateway`);
    this.name = 'LedgerMovedError';
  }
}

/** SQLite's result codes that mean something to us: https://www.sqlite.org/rescode.html */
const CODES = { busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;
type Trouble = keyof typeof CODES;

/** As `node:sqlite` throws them. */
const sqliteErrorSchema = z.object({ errcode: z.int() });

/** What kind of trouble SQLite reports; undefined for anything else. */
export function troubleOf(error: unknown): Trouble | undefined {
  const { success, data } = sqliteErrorSchema.safeParse(error);
  if (!success) return undefined;
  // The lower byte is the primary code of an extended one.
  const primary = data.errcode & 0xff;
  return (Object.keys(CODES) as Trouble[]).find((trouble) => CODES[trouble] === primary);
}

/** Why a write or a read failed, in words. */
export function whyOf(error: unknown): string {
  switch (troubleOf(error)) {
    case 'full':
      return 'the disk is full';
    case 'corrupt':
    case 'notADatabase':
      return 'the file is damaged';
    case 'readOnly':
      return 'the file cannot be written to';
    case 'busy':
      return 'another program holds the file locked';
    case 'cannotOpen':
    case undefined:
      return error instanceof Error ? error.message : String(error);
  }
}
