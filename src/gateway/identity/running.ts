import type { ErrorCode, Refusal } from '../errors.ts';
import { authenticate } from './authenticate.ts';
import type { Credential, Identity } from './credential.ts';
import type { Directory } from './directory.ts';

/** One request between authentication and its end. */
export interface RunningRequest {
  /** Why it must end, once something said so. */
  readonly ended: Refusal | undefined;
  /** Called when it must end; at once when that was decided already. */
  onEnd(listener: (refusal: Refusal) => void): void;
  /** The request is over. */
  remove(): void;
}

/** The requests that run now, by seat: ended as soon as their key or their seat no longer counts. */
export interface RunningRequests {
  add(identity: Identity): RunningRequest;
  /** Ends all that run, for a shutdown. */
  endAll(refusal: Refusal): void;
  readonly size: number;
}

/**
 * What ends a request that runs already. A key that a rotation has outdated, a token that expires, and a class that
 * closes only stop new requests: nobody loses the answer they are reading because a lesson is over.
 */
const ENDING: ReadonlySet<ErrorCode> = new Set([
  'invalid_api_key',
  'unknown_student',
  'seat_suspended',
  'seat_expired',
  'class_not_found',
]);

interface Entry {
  readonly credential: Credential;
  ended: Refusal | undefined;
  listener: ((refusal: Refusal) => void) | undefined;
}

/** @param now epoch ms */
export function createRunningRequests(directory: Directory, now: () => number): RunningRequests {
  const bySeat = new Map<string, Set<Entry>>();
  let size = 0;

  const end = (entry: Entry, refusal: Refusal): void => {
    if (entry.ended !== undefined) return;
    entry.ended = refusal;
    entry.listener?.(refusal);
  };

  const recheck = (seatKey: string): void => {
    for (const entry of [...(bySeat.get(seatKey) ?? [])]) {
      const decision = authenticate(entry.credential, directory, now());
      if (!decision.ok && ENDING.has(decision.refusal.code)) end(entry, decision.refusal);
    }
  };
  directory.subscribe((seatKeys) => {
    for (const seatKey of seatKeys) recheck(seatKey);
  });

  const remove = (seatKey: string, entry: Entry): void => {
    const entries = bySeat.get(seatKey);
    if (!entries?.delete(entry)) return;
    size -= 1;
    if (entries.size === 0) bySeat.delete(seatKey);
  };

  return {
    add({ seat, credential }) {
      const entry: Entry = { credential, ended: undefined, listener: undefined };
      const entries = bySeat.get(seat.key);
      if (entries === undefined) bySeat.set(seat.key, new Set([entry]));
      else entries.add(entry);
      size += 1;
      return {
        get ended() {
          return entry.ended;
        },
        onEnd(listener) {
          entry.listener = listener;
          if (entry.ended !== undefined) listener(entry.ended);
        },
        remove: () => remove(seat.key, entry),
      };
    },
    endAll(refusal) {
      for (const entries of [...bySeat.values()]) for (const entry of [...entries]) end(entry, refusal);
    },
    get size() {
      return size;
    },
  };
}
