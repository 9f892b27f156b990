import type { Terminal } from '../../src/cli/command.ts';

/** A terminal that remembers what was written, and has these files and no others. */
export interface RecordedTerminal extends Terminal {
  written(): { stdout: string; stderr: string };
}

export function recordedTerminal(files: Readonly<Record<string, string>> = {}): RecordedTerminal {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  return {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    readText: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
      return text;
    },
    written: () => ({ ...written }),
  };
}
