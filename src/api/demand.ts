import { z } from 'zod';
import { microTime } from '../kube/micro-time.ts';
import { keyOf } from '../kube/object.ts';
import { type Lease, leases } from '../kube/resources.ts';
import { API_GROUP_VERSION } from './group.ts';
import { COMPONENTS, DEMAND_ANNOTATIONS, LABELS } from './labels.ts';

/**
 * What a gateway replica tells the operator about who asks a class: one Lease for each class and replica, in the
 * namespace of the class. A replica writes only its own, and only while the class is asked.
 */

/** Value of the label `app.kubernetes.io/managed-by` on what gateways make. */
export const GATEWAY_MANAGED_BY = 'gpu-classroom-gateway';

/** Selects the demand Leases of every class. */
export const DEMAND_SELECTOR = `${LABELS.component}=${COMPONENTS.demand},${LABELS.classroom}`;

/** What one replica of the gateway has seen of one class. */
export interface Demand {
  /** Epoch ms of the last moment at which a request of the class came, waited or ran. */
  readonly lastAskedMs: number;
  /** Both at one moment: that at which their sum was largest since the replica's write before. */
  readonly inFlight: number;
  readonly queued: number;
  /** How long after `lastAskedMs` the two counts may be believed, s: a replica that lives writes before. */
  readonly trustedSeconds: number;
}

/** The class that a demand is about. */
export interface AskedClassroom {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * The Lease of a replica for a class. It goes with the class, and holds up nobody who deletes that.
 *
 * @param replica tells gateways apart: 8 to 16 lowercase letters and digits
 * @param holder the replica for people, such as its pod
 */
export function demandLease(
  { namespace, name, uid }: AskedClassroom,
  replica: string,
  holder: string,
  { lastAskedMs, inFlight, queued, trustedSeconds }: Demand,
): Lease {
  return {
    apiVersion: `${leases.group}/${leases.version}`,
    kind: leases.kind,
    metadata: {
      name: `${name}-demand-${replica}`,
      namespace,
      labels: {
        [LABELS.managedBy]: GATEWAY_MANAGED_BY,
        [LABELS.component]: COMPONENTS.demand,
        [LABELS.classroom]: name,
      },
      annotations: {
        [DEMAND_ANNOTATIONS.inFlight]: String(inFlight),
        [DEMAND_ANNOTATIONS.queued]: String(queued),
      },
      ownerReferences: [{ apiVersion: API_GROUP_VERSION, kind: 'Classroom', name, uid }],
    },
    spec: {
      holderIdentity: holder,
      renewTime: microTime(lastAskedMs),
      leaseDurationSeconds: trustedSeconds,
    },
  };
}

const count = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number);

const readSchema = z.object({
  metadata: z.object({
    labels: z.object({ [LABELS.classroom]: z.string() }),
    annotations: z.object({ [DEMAND_ANNOTATIONS.inFlight]: count, [DEMAND_ANNOTATIONS.queued]: count }),
  }),
  spec: z.object({
    renewTime: z.iso.datetime({ offset: true }),
    leaseDurationSeconds: z.int().min(1),
  }),
});

/** A demand as it was read, and of which class. */
export interface ReadDemand extends Demand {
  /** `namespace/name`. */
  readonly classroomKey: string;
}

/** What a demand Lease says; undefined for one that says nothing that can be understood. */
export function readDemand(lease: Lease): ReadDemand | undefined {
  const { success, data } = readSchema.safeParse(lease);
  if (!success) return undefined;
  const { labels, annotations } = data.metadata;
  return {
    classroomKey: keyOf({
      namespace: lease.metadata.namespace ?? 'default',
      name: labels[LABELS.classroom],
    }),
    lastAskedMs: Date.parse(data.spec.renewTime),
    inFlight: annotations[DEMAND_ANNOTATIONS.inFlight],
    queued: annotations[DEMAND_ANNOTATIONS.queued],
    trustedSeconds: data.spec.leaseDurationSeconds,
  };
}
