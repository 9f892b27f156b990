import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../process/error-code.ts';
import { type FoundBinaries, TOOLS, type ToolName } from './versions.ts';

const VERSION_TIMEOUT_MS = 30_000;

/** What a folder holds of one program. */
export type Candidate = { readonly path: string; readonly state: 'fits' } | RejectedCandidate;

export type RejectedCandidate =
  | { readonly path: string; readonly state: 'other-version'; readonly version: string }
  | { readonly path: string; readonly state: 'unusable'; readonly reason: string };

/** Looks for a program in a folder; `undefined` if there is none. Never throws for a broken program. */
export async function inspect(tool: ToolName, folder: string): Promise<Candidate | undefined> {
  const path = join(folder, tool);
  if (!(await isExecutable(path))) return undefined;
  const { versionArguments, versionPattern, acceptedPrefix } = TOOLS[tool];
  let output: string;
  try {
    ({ stdout: output } = await promisify(execFile)(path, [...versionArguments], {
      timeout: VERSION_TIMEOUT_MS,
    }));
  } catch (error) {
    return { path, state: 'unusable', reason: messageOf(error).trim() };
  }
  const version = versionPattern.exec(output)?.[1];
  if (version === undefined) {
    return { path, state: 'unusable', reason: `its version is not in its output: ${output.slice(0, 200)}` };
  }
  return version.startsWith(acceptedPrefix)
    ? { path, state: 'fits' }
    : { path, state: 'other-version', version };
}

/**
 * For each program the first of the folders that has it in a version that fits. Programs that were
 * found but do not fit are told through `rejected`, so that nobody wonders why theirs was not used.
 */
export async function locate(
  folders: readonly string[],
  tools: readonly ToolName[],
  rejected: (tool: ToolName, candidate: RejectedCandidate) => void,
): Promise<FoundBinaries> {
  const found: { [tool in ToolName]?: string } = {};
  await Promise.all(
    tools.map(async (tool) => {
      for (const folder of folders) {
        const candidate = await inspect(tool, folder);
        if (candidate?.state === 'fits') {
          found[tool] = candidate.path;
          return;
        }
        if (candidate !== undefined) rejected(tool, candidate);
      }
    }),
  );
  return found;
}

/** Why a program that was found is not used. */
export function explainRejection(tool: ToolName, candidate: RejectedCandidate): string {
  const why =
    candidate.state === 'other-version'
      ? `it is ${candidate.version}, not ${TOOLS[tool].acceptedPrefix}x`
      : candidate.reason;
  return `${candidate.path} is not used: ${why}`;
}

/** The folders of a PATH variable; relative ones are left out because they change with the working directory. */
export function pathFolders(path: string | undefined): string[] {
  return (path ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
}

/** Whether there is such a file and this user may run it. */
export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
