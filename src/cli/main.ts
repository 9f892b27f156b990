#!/usr/bin/env node
import { VERSION } from '../observability/version.ts';
import { COMMANDS } from './commands.ts';
import { machineOf } from './process-machine.ts';
import { runCli } from './run.ts';

// Whoever reads us may have seen enough, such as `head`: that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCli(
  { commands: COMMANDS, version: VERSION },
  process.argv.slice(2),
  machineOf(process),
);
