import { spawn } from 'node:child_process';

/** A command line that ends by itself. */
export interface Start {
  /** As the figures call it. */
  readonly name: string;
  readonly argv: readonly string[];
}

/** How long each start took until it had ended, ms, by its name. One element a round. */
export type Times = Readonly<Record<string, readonly number[]>>;

/**
 * Starts each once a round, in turns, so that a slow minute hits all. What is started first is read from the disk, so
 * one more round goes before, which does not count.
 *
 * @throws Error when one does not end with 0
 */
export async function timesOf(starts: readonly Start[], rounds: number): Promise<Times> {
  const times = new Map<string, number[]>(starts.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const start of starts) {
      const ms = await timeOf(start);
      if (round > 0) times.get(start.name)?.push(ms);
    }
  }
  return Object.fromEntries(times);
}

function timeOf({ argv }: Start): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = spawn(process.execPath, argv, { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve(performance.now() - startedMs);
      else reject(new Error(`node ${argv.join(' ')} ended with ${code}: run it by hand to see why`));
    });
  });
}
