import { readFile } from 'node:fs/promises';
import { COMMANDS } from '../../src/cli/commands.ts';
import type { Machine } from '../../src/cli/machine.ts';
import { createPrivateFiles } from '../../src/cli/private-files.ts';
import { runCli } from '../../src/cli/run.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { recordedMachine } from './terminal.ts';

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command line of `kubectl classroom` in this process, with real time and real files. Nobody sits at the
 * terminal unless `difference` says so.
 *
 * @param argv what follows `kubectl classroom`
 */
export async function kubectlClassroom(
  argv: readonly string[],
  difference: Partial<Machine> = {},
): Promise<Ended> {
  const machine = recordedMachine({
    clock: systemClock,
    random: Math.random,
    readFile: (path) => readFile(path),
    privateFiles: createPrivateFiles('test'),
    ...difference,
  });
  const code = await runCli({ commands: COMMANDS, version: '0.0.0' }, argv, machine);
  return { code, ...machine.written() };
}
