import { APP_NAME, COMPONENTS, LABELS } from '../../api/labels.ts';
import { type Deployment, deployments, leases } from '../../kube/resources.ts';
import { GATEWAY_RIGHTS, OPERATOR_RIGHTS, type Right } from '../../rbac/rights.ts';
import type { Cluster } from '../cluster/command.ts';
import { listAll } from '../cluster/list.ts';
import { counted } from '../status/counted.ts';
import { ageText } from '../status/time-words.ts';
import { missingRights } from './access-review.ts';
import type { Finding } from './finding.ts';
import { guarded } from './not-allowed.ts';

/** A leader renews its Lease every few seconds; this long without means that none does. */
const LEASE_STALE_MS = 60_000;

const RIGHTS: Readonly<Record<string, readonly Right[]>> = {
  [COMPONENTS.operator]: OPERATOR_RIGHTS,
  [COMPONENTS.gateway]: GATEWAY_RIGHTS,
};

/** Whether operator and gateway run. Those who may not see their namespace hear so: the class tells the rest. */
export async function checkProcesses(cluster: Cluster): Promise<Finding[]> {
  const found = await listAll(cluster.client, deployments, {
    labelSelector: `${LABELS.partOf}=${APP_NAME},${LABELS.component} in (${COMPONENTS.operator},${COMPONENTS.gateway})`,
  });
  if (found.length === 0) {
    return [
      {
        area: 'Operator',
        mark: 'Unknown',
        what: 'No Deployment of operator or gateway is in this cluster.',
        next: 'Install the Helm chart gpu-classroom, unless they run outside of the cluster.',
      },
    ];
  }
  const each = async (check: (deployment: Deployment, cluster: Cluster) => Promise<Finding[]>) =>
    (await Promise.all(found.map((deployment) => check(deployment, cluster)))).flat();
  return [
    ...found.map(podsFinding),
    ...(await guarded('Operator', () => each(checkLease))),
    ...(await guarded('Operator', () => each(checkRights))),
  ];
}

const componentOf = ({ metadata }: Deployment): string => metadata.labels?.[LABELS.component] ?? '';

function podsFinding(deployment: Deployment): Finding {
  const { metadata, spec, status } = deployment;
  const { name, namespace = '' } = metadata;
  const wanted = spec?.replicas ?? 1;
  const available = status?.availableReplicas ?? 0;
  const subject = `The ${componentOf(deployment)} (${namespace}/${name})`;
  if (wanted > 0 && available >= wanted) {
    const what = `${subject} runs: ${available} of ${counted(wanted, 'pod')}.`;
    return { area: 'Operator', mark: 'Good', what };
  }
  if (wanted === 0) {
    return {
      area: 'Operator',
      mark: 'Bad',
      what: `${subject} was stopped: its Deployment wants no pod.`,
      next: `Start it: kubectl scale deployment ${name} -n ${namespace} --replicas=1`,
    };
  }
  return {
    area: 'Operator',
    mark: 'Bad',
    what: `${subject} does not run as it should: ${available} of ${counted(wanted, 'pod')}.`,
    next: `See why: kubectl describe deployment,pods -n ${namespace} -l ${LABELS.component}=${componentOf(deployment)}`,
  };
}

/** Pods that run and cannot become the leader look healthy. */
async function checkLease(deployment: Deployment, { client, machine }: Cluster): Promise<Finding[]> {
  if (componentOf(deployment) !== COMPONENTS.operator) return [];
  const { metadata } = deployment;
  const { name, namespace = '' } = metadata;
  const lease = await client.get(leases, { namespace, name });
  const renewed = lease?.spec?.renewTime;
  if (renewed === undefined) return [];
  const ageMs = machine.clock.now() - Date.parse(renewed);
  if (ageMs < LEASE_STALE_MS) return [];
  return [
    {
      area: 'Operator',
      mark: 'Bad',
      what: `The operator has not renewed its Lease for ${ageText(ageMs)}: nobody looks after the classes.`,
      next: `What it says: kubectl logs deployment/${name} -n ${namespace}`,
    },
  ];
}

async function checkRights(deployment: Deployment, { client, namespace }: Cluster): Promise<Finding[]> {
  const component = componentOf(deployment);
  const account = deployment.spec?.template.spec?.serviceAccountName ?? 'default';
  const user = `system:serviceaccount:${deployment.metadata.namespace}:${account}`;
  const rights = (RIGHTS[component] ?? []).filter(({ scope }) => scope !== 'Own');
  const missing = await missingRights(client, rights, { user, namespace });
  if (missing.length === 0) {
    return [
      {
        area: 'Operator',
        mark: 'Good',
        what: `The ${component} has its rights in namespace "${namespace}".`,
      },
    ];
  }
  return [
    {
      area: 'Operator',
      mark: 'Bad',
      what: `The ${component} lacks rights for namespace "${namespace}".`,
      why: `Missing: ${missing.join(', ')}.`,
      next: 'Upgrade the Helm chart gpu-classroom with rbac.create, and see whether watchNamespace is this namespace or empty.',
    },
  ];
}
