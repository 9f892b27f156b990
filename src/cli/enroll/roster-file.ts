import { type RosterOptions, type RosterRow, readRoster } from '../../student/roster/read.ts';
import type { Machine } from '../machine.ts';
import { problems } from '../problems.ts';
import { faultLines } from './report.ts';

/**
 * Reads a roster from a file.
 *
 * @param path `-`: the standard input
 * @throws CliError when it cannot be read, or says what cannot be used
 */
export async function readRosterFile(
  path: string,
  options: RosterOptions,
  machine: Pick<Machine, 'readFile' | 'readText'>,
): Promise<readonly RosterRow[]> {
  const roster = readRoster(await readBytes(path, machine), options);
  if (!roster.ok) throw problems.rosterUnusable({ path, faults: faultLines(roster.faults) });
  return roster.rows;
}

async function readBytes(
  path: string,
  { readFile, readText }: Pick<Machine, 'readFile' | 'readText'>,
): Promise<Uint8Array> {
  try {
    return path === '-' ? new TextEncoder().encode(readText(path)) : await readFile(path);
  } catch (error) {
    throw problems.fileUnreadable({ path, why: error instanceof Error ? error.message : String(error) });
  }
}
