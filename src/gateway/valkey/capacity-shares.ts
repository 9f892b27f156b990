import type { ClassActivity } from '../queue/peers.ts';

/** One replica of the gateway with requests of a class. */
export interface ActiveReplica {
  readonly id: string;
  readonly activity: ClassActivity;
}

/**
 * Divides a class's capacity among the replicas that have requests for it.
 *
 * Each student's weight counts once: at one replica, or in equal parts at several. A replica gets capacity in
 * proportion to the weights it has, but first no more than it has requests; what then remains is divided in the same
 * proportion, for requests that are still to come. Whole numbers: rounded down, and what is over goes to the largest
 * remainders, ties by id, so that replicas that know the same come to the same division.
 *
 * @param capacity requests at a time, whole
 * @returns by replica; their sum is `capacity`, but each has at least 1 when `capacity` is positive
 */
export function divideCapacity(
  capacity: number,
  replicas: readonly ActiveReplica[],
): ReadonlyMap<string, number> {
  // Sums of fractions depend on the order.
  const claims = claimsOf([...replicas].sort((a, b) => (a.id < b.id ? -1 : 1)));
  const first = fill(capacity, claims);
  const given = first.reduce((sum, { slots }) => sum + slots, 0);
  const weights = claims.reduce((sum, { weight }) => sum + weight, 0);
  const shares = first.map(({ id, slots, weight }) => ({
    id,
    slots: slots + (weights > 0 ? ((capacity - given) * weight) / weights : 0),
  }));
  return atLeastOne(capacity, roundTo(capacity, shares));
}

interface Claim {
  readonly id: string;
  readonly requests: number;
  readonly weight: number;
}

interface Share {
  readonly id: string;
  readonly slots: number;
}

function claimsOf(replicas: readonly ActiveReplica[]): Claim[] {
  const places = new Map<string, number>();
  for (const { activity } of replicas) {
    for (const student of activity.weights.keys()) places.set(student, (places.get(student) ?? 0) + 1);
  }
  return replicas.map(({ id, activity }) => {
    let weight = 0;
    for (const [student, own] of activity.weights) weight += own / (places.get(student) ?? 1);
    return { id, requests: activity.requests, weight };
  });
}

/** Gives in proportion to the weights; who has enough drops out, and the others divide what it left. */
function fill(capacity: number, claims: readonly Claim[]): (Claim & Share)[] {
  const filled: (Claim & Share)[] = [];
  // Those who need the least for their weight have enough first.
  const open = [...claims].sort((a, b) => a.requests * b.weight - b.requests * a.weight);
  let left = capacity;
  let weights = open.reduce((sum, { weight }) => sum + weight, 0);
  for (const claim of open) {
    const fair = weights > 0 ? (left * claim.weight) / weights : 0;
    const slots = Math.min(claim.requests, fair);
    filled.push({ ...claim, slots });
    left -= slots;
    weights -= claim.weight;
  }
  return filled;
}

function roundTo(capacity: number, shares: readonly Share[]): Share[] {
  const order = [...shares].sort(
    (a, b) => b.slots - Math.floor(b.slots) - (a.slots - Math.floor(a.slots)) || (a.id < b.id ? -1 : 1),
  );
  let over = capacity - order.reduce((sum, { slots }) => sum + Math.floor(slots), 0);
  return order.map(({ id, slots }) => ({ id, slots: Math.floor(slots) + (over-- > 0 ? 1 : 0) }));
}

function atLeastOne(capacity: number, shares: readonly Share[]): ReadonlyMap<string, number> {
  return new Map(shares.map(({ id, slots }) => [id, capacity > 0 ? Math.max(1, slots) : 0]));
}
