import type { Machine } from './machine.ts';

/** Below this nobody asks what takes so long. */
const PATIENCE_MS = 1000;

/**
 * Does something that may take long, and shows a person at the terminal what is being done if it takes more than a
 * second. Where no terminal is, nothing is written.
 *
 * @param work may say how far it is, in other words or with figures such as `12 of 30`
 */
export async function withProgress<Result>(
  text: string,
  { clock, spin }: Pick<Machine, 'clock' | 'spin'>,
  work: (say: (text: string) => void) => Promise<Result>,
): Promise<Result> {
  if (spin === undefined) return work(() => {});
  let said = text;
  let spinning: ReturnType<typeof spin> | undefined;
  const timer = clock.setTimeout(() => {
    spinning = spin(said);
  }, PATIENCE_MS);
  try {
    return await work((next) => {
      said = next;
      void spinning?.then((spinner) => spinner.say(next));
    });
  } finally {
    timer.cancel();
    (await spinning)?.stop();
  }
}
