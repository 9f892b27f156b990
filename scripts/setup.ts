import { ensureOptionsOf } from '../src/demo/binaries/ensure.ts';
import { runSetup } from '../src/demo/binaries/setup.ts';

process.exitCode = await runSetup({
  arguments: process.argv.slice(2),
  ensure: ensureOptionsOf(process),
  stdout: process.stdout,
});
