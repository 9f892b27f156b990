import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { TOOL_NAMES, TOOLS, type ToolName } from './versions.ts';

const VERSION_TIMEOUT_MS = 30_000;

/** What a folder holds of one program. */
export type Candidate =
  | { readonly path: string; readonly state: 'fits' }
  | { readonly path: string; readonly state: 'other-version'; readonly version: string }
  | { readonly path: string; readonly state: 'unusable'; readonly reason: string };

/** Runs a program to its end and gives its standard output; rejects if it fails. */
export type RunProgram = (path: string, args: readonly string[]) => Promise<string>;

export const runProgram: RunProgram = async (path, args) => {
  const { stdout } = await promisify(execFile)(path, [...args], { timeout: VERSION_TIMEOUT_MS });
  return stdout;
};

/** Looks for a program in a folder; `undefined` if there is none. Never throws for a broken program. */
export async function inspect(
  tool: ToolName,
  folder: string,
  run: RunProgram = runProgram,
): Promise<Candidate | undefined> {
  const path = join(folder, tool);
  if (!(await isExecutable(path))) return undefined;
  const { versionArguments, versionPattern, acceptedPrefix } = TOOLS[tool];
  let output: string;
  try {
    output = await run(path, versionArguments);
  } catch (error) {
    return { path, state: 'unusable', reason: error instanceof Error ? error.message : String(error) };
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
  tools: readonly ToolName[] = TOOL_NAMES,
  rejected: (tool: ToolName, candidate: Candidate) => void = () => {},
  run: RunProgram = runProgram,
): Promise<Partial<Record<ToolName, string>>> {
  const found: Partial<Record<ToolName, string>> = {};
  await Promise.all(
    tools.map(async (tool) => {
      for (const folder of folders) {
        const candidate = await inspect(tool, folder, run);
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

/** The folders of a PATH variable; relative ones are left out because they change with the working directory. */
export function pathFolders(path: string | undefined): string[] {
  return (path ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
