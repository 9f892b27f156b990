import { KubeApiError } from '../../kube/errors.ts';
import { problemOfCall } from '../cluster/api-problems.ts';
import type { Machine, Screen } from '../machine.ts';
import { createRates } from './rates.ts';
import type { ClassWatch } from './read.ts';
import { type Moment, momentText, type Order, sorted } from './table.ts';

export interface LiveView {
  readonly sort: Order;
  /** Between two looks, ms. */
  readonly interval: number;
  /** That is asked, for messages. */
  readonly server: string;
}

/**
 * Draws moments of a class until Ctrl-C, which is how it ends: no problem to tell of. A cluster that does not answer for
 * a while ends no lesson: what was seen last stays, and is said to be old.
 *
 * @throws KubeApiError, CliError what the first look throws, and what does not pass by itself
 */
export async function showLive(
  watch: ClassWatch,
  { sort, interval, server }: LiveView,
  { clock, signal, stdout }: Pick<Machine, 'clock' | 'signal' | 'stdout'>,
  screen: Screen,
): Promise<void> {
  const seen = createRates();
  let last: Moment | undefined;
  try {
    for (;;) {
      const read = await watch.read().catch((error: unknown) => staleMoment(last, error, server));
      const rates = seen.add(read.students, clock.monotonic());
      const students = sorted(read.students, sort, rates);
      const size = { rows: stdout.rows || undefined, columns: stdout.columns || undefined };
      screen.draw(momentText({ ...read, students }, { rates, ...size }));
      last = read;
      await clock.sleep(interval, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    screen.close();
  }
}

/** @throws the error where nothing was seen yet, or the next look would fail as well */
function staleMoment(last: Moment | undefined, error: unknown, server: string): Moment {
  const problem = problemOfCall(error, server)?.problem;
  if (last === undefined || problem === undefined || !mayPass(error)) throw error;
  return { ...last, note: `This was at ${last.time}. ${problem.what}` };
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof KubeApiError)) return false;
  const { status, reason } = error;
  return status === 429 || status >= 500 || reason === 'Unreachable' || reason === 'DeadlineExceeded';
}
