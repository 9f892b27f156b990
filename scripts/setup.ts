import { runSetup } from '../src/demo/binaries/setup.ts';

process.exitCode = await runSetup({
  arguments: process.argv.slice(2),
  environment: process.env,
  platform: { os: process.platform, arch: process.arch },
  stdout: process.stdout,
  stderr: process.stderr,
});
