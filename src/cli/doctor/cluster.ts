import { z } from 'zod';
import { classrooms } from '../../api/classroom.ts';
import { API_GROUP, API_GROUP_VERSION } from '../../api/group.ts';
import { studentQuotas } from '../../api/student-quota.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { Cluster } from '../cluster/command.ts';
import type { Finding } from './finding.ts';

/** As the charts say: `kubeVersion`. */
export const LEAST_KUBERNETES = { major: 1, minor: 31 } as const;

const versionSchema = z.object({ major: z.string(), minor: z.string(), gitVersion: z.string() });

const KINDS = [classrooms, studentQuotas];

/** Whether the API server answers, is new enough, and knows our kinds. */
export async function checkCluster(cluster: Pick<Cluster, 'client' | 'server'>): Promise<Finding[]> {
  const version = versionSchema.parse(await cluster.client.raw('GET', '/version'));
  return [versionFinding(version, cluster.server), await kindsFinding(cluster)];
}

function versionFinding(
  { major, minor, gitVersion }: z.output<typeof versionSchema>,
  server: string,
): Finding {
  const what = `Kubernetes ${gitVersion} answers at ${server}.`;
  // Providers write `30+`.
  const isOld =
    Number.parseInt(major, 10) === LEAST_KUBERNETES.major &&
    Number.parseInt(minor, 10) < LEAST_KUBERNETES.minor;
  if (!isOld) return { area: 'Cluster', mark: 'Good', what };
  const next = `Upgrade it to ${LEAST_KUBERNETES.major}.${LEAST_KUBERNETES.minor} or later.`;
  return { area: 'Cluster', mark: 'Bad', what: `${what} That is too old.`, next };
}

const kindsSchema = z.object({ resources: z.array(z.object({ name: z.string() })) });

async function kindsFinding({ client }: Pick<Cluster, 'client'>): Promise<Finding> {
  const known = await kindsOf(client);
  const missing = KINDS.filter(({ plural }) => !known.has(plural)).map(({ plural }) => plural);
  if (missing.length === 0) {
    const what = `The kinds ${KINDS.map(({ kind }) => kind).join(' and ')} of ${API_GROUP} are installed.`;
    return { area: 'Cluster', mark: 'Good', what };
  }
  return {
    area: 'Cluster',
    mark: 'Bad',
    what: `The cluster does not know ${missing.join(' and ')} of ${API_GROUP_VERSION}.`,
    next: 'Install or upgrade the Helm chart gpu-classroom, or apply the files in crds/.',
  };
}

async function kindsOf(client: Pick<Cluster['client'], 'raw'>): Promise<ReadonlySet<string>> {
  try {
    const { resources } = kindsSchema.parse(await client.raw('GET', `/apis/${API_GROUP_VERSION}`));
    return new Set(resources.map(({ name }) => name));
  } catch (error) {
    if (error instanceof KubeApiError && error.isNotFound) return new Set();
    throw error;
  }
}
