import { KubeApiError } from '../../kube/errors.ts';
import type { Area, Finding } from './finding.ts';

/** Areas of which somebody may see a part, or nothing. */
type GuardedArea = Exclude<Area, 'Cluster'>;

const TRAINERS_ROLE = "Ask who runs the cluster for the trainers' role in the namespace of the class.";

/** What somebody does not see, and who can help. */
const UNSEEN: Readonly<Record<GuardedArea, { readonly what: string; readonly next: string }>> = {
  Rights: { what: 'You may not ask for your own rights.', next: TRAINERS_ROLE },
  Operator: {
    what: 'You may not look at all of operator and gateway.',
    next: 'Trainers need not: the class tells below whether students are served. Who runs the cluster may look: let them run the same command.',
  },
  GPUs: { what: 'You may not look at the engines and their GPUs.', next: TRAINERS_ROLE },
  Class: { what: 'You may not look at the classes of this namespace.', next: TRAINERS_ROLE },
  Gateway: { what: 'You may not ask the gateway as a student.', next: TRAINERS_ROLE },
};

/** What one may not look at is not known; the other checks go on. @throws what is no such refusal */
export async function guarded(area: GuardedArea, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [refusedFinding(area, error)];
  }
}

/** @throws the error where it is no refusal for want of rights */
export function refusedFinding(area: GuardedArea, error: unknown): Finding {
  if (!(error instanceof KubeApiError && error.status === 403)) throw error;
  return { area, mark: 'Unknown', ...UNSEEN[area], why: lackOf(error.message) };
}

/** https://github.com/kubernetes/apiserver/blob/v0.34.0/pkg/endpoints/handlers/responsewriters/errors.go, `ForbiddenMessage` */
const REFUSAL =
  /User "(?<user>[^"]*)" cannot (?<verb>\S+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)" (?:in the namespace "(?<namespace>[^"]+)"|at the cluster scope)/;

/** The right that the API server misses; its own words where they are others. */
function lackOf(message: string): string {
  const { user, verb, resource, group, namespace } = REFUSAL.exec(message)?.groups ?? {};
  if (user === undefined || verb === undefined || resource === undefined) return message;
  const kind = group ? `${resource}.${group}` : resource;
  const where = namespace === undefined ? 'in the whole cluster' : `in namespace "${namespace}"`;
  return `The user ${user} lacks the right "${verb}" on "${kind}" ${where}.`;
}
