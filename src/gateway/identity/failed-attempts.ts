import type { Clock } from '../../kube/clock.ts';

/**
 * Counts wrong keys by the address they came from: a bucket that refills evenly.
 *
 * Only failures are limited. A whole class may sit behind one address, so a key that is right is never refused for
 * what a neighbour typed; keys of 256 random bits need no protection from guessing. What the limit takes away is the
 * use of the gateway as an oracle, and the noise.
 */
export interface FailedAttempts {
  /**
   * Counts one failure.
   *
   * @returns seconds after which a failure of this address is answered again, when there were too many; else undefined
   */
  count(address: string): number | undefined;
  /** Addresses that are remembered. */
  readonly size: number;
}

export interface FailedAttemptsOptions {
  /** Failures of one address that are answered as what they are; 0: all. */
  readonly perMinute: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const MINUTE_MS = 60_000;
/** Some 100 bytes each. Who has more addresses than this can only make the gateway forget others' failures. */
const MAX_ADDRESSES = 10_000;

interface Bucket {
  failures: number;
  atMs: number;
}

/** Nobody has failed yet. */
export function createFailedAttempts({ perMinute, clock }: FailedAttemptsOptions): FailedAttempts {
  const buckets = new Map<string, Bucket>();

  const bucketOf = (address: string): Bucket => {
    const nowMs = clock.monotonic();
    const known = buckets.get(address) ?? { failures: 0, atMs: nowMs };
    const forgiven = ((nowMs - known.atMs) * perMinute) / MINUTE_MS;
    const bucket = { failures: Math.max(0, known.failures - forgiven), atMs: nowMs };
    // Inserted anew: the first of the Map is always the one that failed least recently.
    buckets.delete(address);
    buckets.set(address, bucket);
    return bucket;
  };

  return {
    count(address) {
      if (perMinute === 0) return undefined;
      const bucket = bucketOf(networkOf(address));
      const [oldest] = buckets.keys();
      if (buckets.size > MAX_ADDRESSES && oldest !== undefined) buckets.delete(oldest);
      const excess = bucket.failures + 1 - perMinute;
      if (excess > 0) return Math.ceil((excess * MINUTE_MS) / perMinute / 1000);
      bucket.failures += 1;
      return undefined;
    },
    get size() {
      return buckets.size;
    },
  };
}

/**
 * One customer of a provider has at least 2^64 addresses of IPv6 (https://www.rfc-editor.org/rfc/rfc6177), so a /64
 * counts as one address.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
