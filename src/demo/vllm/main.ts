/**
 * Our vLLM simulator: a process that is started with the command line of `vllm serve` 0.32.0 and behaves like it,
 * without a GPU. It answers the OpenAI endpoints with plausible Python code at the speed of a chosen GPU, batches,
 * queues, caches prefixes, refuses, drains, dies and fails to start as the real engine does.
 *
 *     node src/demo/vllm/main.ts serve Qwen/Qwen2.5-7B-Instruct --served-model-name qwen --max-model-len 4096
 *
 * The word `serve` may be left out, as in the arguments of a container of the image vllm/vllm-openai. The command
 * line is vLLM's own and nothing else; settings of the simulation come as JSON in the environment variable
 * `VLLM_SIMULATOR` (see settings.ts and docs/simulator.md). SIGTERM does what it does to vLLM, SIGUSR2 reads the
 * control file again.
 */
import { asksForHelp, serveHelp } from './command-line/help.ts';
import { CommandLineError } from './command-line/parse.ts';
import { StartFailure } from './engine/start-failure.ts';
import { VllmSimulator } from './simulator.ts';

function start(): VllmSimulator {
  try {
    return new VllmSimulator({
      argv: process.argv.slice(2),
      env: process.env,
      pid: process.pid,
      log: {
        stdout: (text) => process.stdout.write(text),
        stderr: (text) => process.stderr.write(text),
      },
    });
  } catch (error) {
    if (error instanceof CommandLineError) process.stderr.write(error.message);
    else process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof CommandLineError ? error.exitCode : 1);
  }
}

// Whoever read the log may stop reading, as `head` does: that ends no engine.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

if (asksForHelp(process.argv.slice(2))) {
  await new Promise((written) => process.stdout.write(serveHelp(), written));
  process.exit(0);
}
const simulator = start();
const onTerminate = (): void => simulator.terminate();
process.on('SIGTERM', onTerminate);
process.on('SIGINT', onTerminate);
process.on('SIGUSR2', () => {
  try {
    simulator.reloadFailures();
  } catch (error) {
    process.stderr.write(
      `control file not taken: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  }
});

simulator.ready.catch((error: unknown) => {
  if (error instanceof StartFailure) return;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});

const { code, signal } = await simulator.exited;
if (signal !== undefined) {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
} else {
  process.exit(code);
}
