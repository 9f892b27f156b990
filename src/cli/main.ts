#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { VERSION } from '../observability/version.ts';
import { COMMANDS } from './commands.ts';
import { runCli } from './run.ts';
import { readStandardInput } from './standard-input.ts';

// Whoever reads us may have seen enough, such as `head`: that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCli({ commands: COMMANDS, version: VERSION }, process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  readText: (path) => (path === '-' ? readStandardInput() : readFileSync(path, 'utf8')),
});
