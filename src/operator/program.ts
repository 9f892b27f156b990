import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { tellWhy } from '../command-line/parse.ts';
import { type Clock, systemClock } from '../kube/clock.ts';
import { defaultKubeContext } from '../kube/kubeconfig.ts';
import { describeError } from '../kube/log.ts';
import { createLogger } from '../observability/logger.ts';
import { endWhenUnhandled } from '../observability/unhandled.ts';
import type { AddressOfPod } from '../vllm/pod-address.ts';
import { parseConfiguration } from './configuration.ts';
import { runOperator } from './process.ts';

/** A kubeconfig or address that cannot be used. */
const START_FAILED_EXIT_CODE = 2;

/**
 * The operator as a program: reads the command line and the environment of `process`, runs until a signal, and ends it.
 *
 * @param addressOf where an engine listens
 */
export async function operatorProgram(
  process: NodeJS.Process,
  addressOf: AddressOfPod,
  clock: Clock = systemClock,
): Promise<never> {
  try {
    return process.exit(await run(process, addressOf, clock));
  } catch (error) {
    process.stderr.write(`${describeError(error).error}\n`);
    return process.exit(START_FAILED_EXIT_CODE);
  }
}

async function run(process: NodeJS.Process, addressOf: AddressOfPod, clock: Clock): Promise<number> {
  const parsed = parseConfiguration(process.argv.slice(2), process.env);
  if (parsed.kind !== 'run') return tellWhy(parsed, process);
  const configuration = parsed.options;
  const log = createLogger({ name: 'operator', level: configuration.logLevel });
  endWhenUnhandled(process, log);
  const stop = new AbortController();
  // The second signal finds no handler and ends the process at once.
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());

  const { credentials, namespace } = await defaultKubeContext({
    env: process.env,
    kubeconfig: configuration.kubeconfig,
    ...(configuration.context === undefined ? {} : { context: configuration.context }),
    readFile,
    clock,
  });
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
  return runOperator(
    {
      configuration,
      credentials,
      contextNamespace: namespace,
      identity,
      addressOf,
      clock,
      log,
      random: Math.random,
      randomBytes,
      print: (text) => process.stdout.write(text),
    },
    stop.signal,
  );
}
