import type { StudentQuota } from '../../api/student-quota.ts';
import type { CliError } from '../problem.ts';
import type { Stopped } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { problemOfCall } from './api-problems.ts';
import type { Cluster } from './command.ts';
import { inBatches } from './in-batches.ts';

/** How a change of many seats is told of. */
export interface SeatsTelling {
  /** @param count how many are done */
  readonly progress: (count: number) => string;
  readonly stopped: (stopped: Stopped) => CliError;
}

/**
 * Does some work for each seat, a few at a time.
 *
 * @throws CliError that says for whom it is missing, where some were done; else what the cluster answered
 */
export async function forEachSeat(
  seats: readonly StudentQuota[],
  work: (seat: StudentQuota) => Promise<unknown>,
  { progress, stopped }: SeatsTelling,
  { machine, server }: Pick<Cluster, 'machine' | 'server'>,
): Promise<void> {
  const { done, error } = await withProgress(progress(0), machine, (say) =>
    inBatches(seats, work, (count) => say(progress(count))),
  );
  if (error === undefined) return;
  const problem = problemOfCall(error, server)?.problem;
  if (problem === undefined || done.length === 0) throw error;
  const why = [problem.what, problem.why].filter(Boolean).join('\n');
  const left = seats.filter((seat) => !done.includes(seat)).map(({ spec }) => spec.student.id);
  throw stopped({ done: done.length, left, why });
}
