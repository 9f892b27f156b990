import type { ErrorCode, Refusal } from '../errors.ts';
import { authenticate } from './authenticate.ts';
import type { Credential, Identity } from './credential.ts';
import type { Directory } from './directory.ts';

/** What ends a request on its way to an engine, or back. */
export interface Endable {
  end(refusal: Refusal): void;
  /** No engine has it yet. */
  readonly waiting: boolean;
}

/** One request between authentication and its end. */
export interface RunningRequest {
  /** Why it must end, once something said so. */
  readonly ended: Refusal | undefined;
  /** Says who is to end it when it must; that happens at once when it was decided already. */
  forwardedBy(forwarding: Endable): void;
  /** The request is over. */
  remove(): void;
}

/** The requests that run now, by seat: ended as soon as their key or their seat no longer counts. */
export interface RunningRequests {
  add(identity: Identity): RunningRequest;
  /** Ends all that no engine has yet. */
  endWaiting(refusal: Refusal): void;
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
  forwarding: Endable | undefined;
}

/** @param now epoch ms */
export function createRunningRequests(directory: Directory, now: () => number): RunningRequests {
  const bySeat = new Map<string, Set<Entry>>();
  let size = 0;

  const end = (entry: Entry, refusal: Refusal): void => {
    if (entry.ended !== undefined) return;
    entry.ended = refusal;
    entry.forwarding?.end(refusal);
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

  const all = (): Entry[] => [...bySeat.values()].flatMap((entries) => [...entries]);

  return {
    add({ seat, credential }) {
      const entry: Entry = { credential, ended: undefined, forwarding: undefined };
      const entries = bySeat.get(seat.key);
      if (entries === undefined) bySeat.set(seat.key, new Set([entry]));
      else entries.add(entry);
      size += 1;
      return {
        get ended() {
          return entry.ended;
        },
        forwardedBy(forwarding) {
          entry.forwarding = forwarding;
          if (entry.ended !== undefined) forwarding.end(entry.ended);
        },
        remove: () => remove(seat.key, entry),
      };
    },
    endWaiting(refusal) {
      for (const entry of all()) if (entry.forwarding?.waiting !== false) end(entry, refusal);
    },
    endAll(refusal) {
      for (const entry of all()) end(entry, refusal);
    },
    get size() {
      return size;
    },
  };
}
