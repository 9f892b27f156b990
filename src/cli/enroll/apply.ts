import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { RosterDifference } from '../../student/roster/difference.ts';
import { problemOfCall } from '../cluster/api-problems.ts';
import type { Cluster } from '../cluster/command.ts';
import { inBatches } from '../cluster/in-batches.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';

/** One request, for one student. */
interface Step {
  readonly id: string;
  readonly send: () => Promise<unknown>;
}

type Where = Pick<Cluster, 'client' | 'machine' | 'server'>;

/**
 * Lets the cluster check every seat that would be made or changed, so that nothing is half-done.
 *
 * @throws CliError with all that the cluster refuses, student by student
 */
export async function checkDifference(
  difference: RosterDifference,
  roster: string,
  { client, server }: Where,
): Promise<void> {
  const refusals: string[] = [];
  const { error } = await inBatches(writesOf(difference, client, true), async ({ id, send }) => {
    try {
      await send();
    } catch (refusal) {
      if (!(refusal instanceof KubeApiError && refusal.status === 422)) throw refusal;
      refusals.push(`${id}: ${problemOfCall(refusal, server)?.problem.why ?? refusal.message}`);
    }
  });
  if (error !== undefined) throw error;
  if (refusals.length > 0) throw problems.rosterRefused({ path: roster, faults: refusals });
}

/**
 * Makes the seats as the roster has them. Removals come last. A command that is repeated makes what is missing.
 *
 * @param prune whether seats go that the roster does not list
 * @throws CliError that says how much was done
 */
export async function applyDifference(
  difference: RosterDifference,
  { prune }: { readonly prune: boolean },
  where: Where,
): Promise<void> {
  const { client, machine, server } = where;
  const removals = prune ? difference.unlisted.map((seat) => removal(seat, client)) : [];
  const steps = [...writesOf(difference, client, false), ...removals];
  const { done, error } = await withProgress(`0 of ${steps.length} changes`, machine, (say) =>
    inBatches(
      steps,
      ({ send }) => send(),
      (count) => say(`${count} of ${steps.length} changes`),
    ),
  );
  if (error === undefined) return;
  const problem = problemOfCall(error, server)?.problem;
  if (problem === undefined || done.length === 0) throw error;
  const why = [problem.what, problem.why].filter(Boolean).join('\n');
  throw problems.enrolmentStopped({ done: done.length, total: steps.length, why });
}

function writesOf({ added, changed }: RosterDifference, client: Cluster['client'], dryRun: boolean): Step[] {
  return [
    ...added.map((seat) => ({
      id: seat.spec.student.id,
      send: () => client.create(studentQuotas, seat, { dryRun }),
    })),
    ...changed.map(({ seat, patch }) => ({
      id: seat.spec.student.id,
      send: () => client.mergePatch(studentQuotas, seat.metadata, patch, { dryRun }),
    })),
  ];
}

/** Not somebody's namesake that took the place meanwhile. */
function removal({ metadata, spec }: StudentQuota, client: Cluster['client']): Step {
  const { uid } = metadata;
  const options = uid === undefined ? {} : { uid };
  return { id: spec.student.id, send: () => client.delete(studentQuotas, metadata, options) };
}
