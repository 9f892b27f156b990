import { PEOPLE_ROLES } from '../../rbac/people.ts';
import type { Cluster } from '../cluster/command.ts';
import { missingRights } from './access-review.ts';
import type { Finding } from './finding.ts';

/** Whether who asks may do what trainers do, in the namespace of the class. */
export async function checkOwnRights({
  client,
  namespace,
}: Pick<Cluster, 'client' | 'namespace'>): Promise<Finding[]> {
  const rights = PEOPLE_ROLES.filter(({ name }) => name === 'trainer').flatMap((role) => role.rights);
  const missing = await missingRights(client, rights, { namespace });
  if (missing.length === 0) {
    const what = `You may do in namespace "${namespace}" what trainers do.`;
    return [{ area: 'Rights', mark: 'Good', what }];
  }
  return [
    {
      area: 'Rights',
      mark: 'Bad',
      what: `You may not do in namespace "${namespace}" all that trainers do.`,
      why: `Missing: ${missing.join(', ')}.`,
      next: `Ask who runs the cluster for the trainers' role there: kubectl create rolebinding trainers -n ${namespace} --clusterrole=gpu-classroom-trainer --user=<you>`,
    },
  ];
}
