import { z } from 'zod';
import type { KubeClient } from '../../kube/client.ts';
import type { Right } from '../../rbac/rights.ts';

const GROUP = 'authorization.k8s.io/v1';
const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

/** Whose rights, and where. */
export interface ReviewOf {
  /** Undefined: of who asks. */
  readonly user?: string;
  readonly namespace: string;
}

/**
 * Asks the API server itself, whatever grants the rights.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
 * @returns what is not allowed, as `list secrets`
 * @throws KubeApiError 403 where who asks may not ask for others
 */
export async function missingRights(
  client: Pick<KubeClient, 'raw'>,
  rights: readonly Right[],
  of: ReviewOf,
): Promise<string[]> {
  const asked = rights.flatMap((right) => right.verbs.map((verb) => ({ right, verb })));
  const answers = await Promise.all(
    asked.map(async ({ right, verb }) =>
      (await isAllowed(client, right, verb, of)) ? [] : [`${verb} ${right.resource}`],
    ),
  );
  return [...new Set(answers.flat())];
}

async function isAllowed(
  client: Pick<KubeClient, 'raw'>,
  { apiGroup, resource: name, scope, resourceNames }: Right,
  verb: string,
  { user, namespace }: ReviewOf,
): Promise<boolean> {
  const [resource, subresource] = name.split('/');
  const resourceAttributes = {
    verb,
    group: apiGroup,
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    ...(scope === 'Cluster' ? {} : { namespace }),
    ...(resourceNames?.[0] === undefined ? {} : { name: resourceNames[0] }),
  };
  const kind = user === undefined ? 'SelfSubjectAccessReview' : 'SubjectAccessReview';
  const body = {
    apiVersion: GROUP,
    kind,
    spec: { resourceAttributes, ...(user === undefined ? {} : { user }) },
  };
  const path = `/apis/${GROUP}/${kind.toLowerCase()}s`;
  return reviewSchema.parse(await client.raw('POST', path, { body })).status.allowed;
}
