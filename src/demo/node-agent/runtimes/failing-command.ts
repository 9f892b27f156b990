import type { Command } from '../process/container-process.ts';

/** A process that says something and ends with exit code 1, in place of one that has no failure of its own to play. */
export function failingCommand(text: string, env: Readonly<Record<string, string>>): Command {
  const script = 'process.stderr.write(process.argv[1] + "\\n"); process.exitCode = 1;';
  return { program: process.execPath, args: ['-e', script, text], env };
}
