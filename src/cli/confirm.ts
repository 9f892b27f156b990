import type { Machine } from './machine.ts';
import { problems } from './problems.ts';

/**
 * Asks before something is destroyed. Comes back only when it is meant.
 *
 * @param what will happen, as a sentence: `This revokes the keys of 3 students.`
 * @param yes of `--yes`: nobody is asked
 * @throws CliError when the answer is not yes, or nobody is there to ask
 */
export async function confirm(
  what: string,
  { yes }: { yes: boolean },
  { ask }: Pick<Machine, 'ask'>,
): Promise<void> {
  if (yes) return;
  if (ask === undefined) throw problems.confirmationNeeded({ what });
  const answer = await ask(`${what} Go on? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw problems.notConfirmed();
}
