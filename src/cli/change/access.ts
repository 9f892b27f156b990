import { z } from 'zod';
import type { ACCESS_MODES } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import type { KubeClient } from '../../kube/client.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { Patch } from './change-object.ts';

/**
 * Changes `access`, together with the name of who does: the operator takes the name only where one request wrote both.
 *
 * @param user undefined: nobody knows; then no older name may stay
 */
export function accessPatch(
  access: (typeof ACCESS_MODES)[number],
  user: string | undefined,
): Required<Patch> {
  return {
    metadata: { annotations: { [ANNOTATIONS.accessChangedBy]: user ?? null } },
    spec: { access },
  };
}

const GROUP = 'authentication.k8s.io/v1';
const reviewSchema = z.object({ status: z.object({ userInfo: z.object({ username: z.string().min(1) }) }) });

/**
 * Who the API server takes the caller for.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review
 * @returns undefined where one may not ask, or the cluster is too old to tell
 */
export async function whoAmI(client: Pick<KubeClient, 'raw'>): Promise<string | undefined> {
  const body = { apiVersion: GROUP, kind: 'SelfSubjectReview' };
  try {
    const review = await client.raw('POST', `/apis/${GROUP}/selfsubjectreviews`, { body });
    return reviewSchema.safeParse(review).data?.status.userInfo.username;
  } catch (error) {
    if (error instanceof KubeApiError && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}
