import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Files that hold keys: nobody but their owner may read them. */
export interface PrivateFiles {
  /** Those of the paths where something is already. */
  existing(paths: readonly string[]): Promise<string[]>;
  /**
   * Writes a file, and the folders that it needs; what was there before is replaced as a whole.
   *
   * @throws Error as `node:fs/promises` does
   */
  write(path: string, text: string): Promise<void>;
}

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/**
 * The files of this machine.
 *
 * @param unique ends the name of the file that is written first, so that two commands do not meet there
 */
export function createPrivateFiles(unique: string): PrivateFiles {
  return {
    async existing(paths) {
      const found = await Promise.all(paths.map(async (path) => ((await isThere(path)) ? [path] : [])));
      return found.flat();
    },
    async write(path, text) {
      const folder = dirname(path);
      await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
      // A file that is there keeps its mode when it is written to, and half a file when that fails.
      const draft = join(folder, `.${basename(path)}.${unique}`);
      const file = await open(draft, 'wx', OWNER_ONLY_FILE);
      try {
        await file.writeFile(text).finally(() => file.close());
        await rename(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (NOTHING_THERE.has(codeOf(error))) return false;
    throw error;
  }
}

/** No such name, or a file where a folder would have to be. */
const NOTHING_THERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
