/**
 * Which engine gets a request: the one that has the student's earlier prompts in its prefix cache, as long as that
 * one carries no more than its part.
 *
 * The student's engine is the one with the highest hash of both names (rendezvous hashing, D. Thaler and C. Ravishankar,
 * https://www.rfc-editor.org/rfc/rfc2991): when engines come or go, only the students of those move. The bound is that
 * of consistent hashing with bounded loads, https://arxiv.org/abs/1608.01350.
 */

/** An engine may have this many times the average before its students go elsewhere. */
const LOAD_FACTOR = 1.25;

/** What is looked at of an engine. */
export interface Candidate {
  /** {@link hashOf} of its id. */
  readonly hash: number;
  /** Requests it has from here. */
  readonly inFlight: number;
  /** When it last got a request; larger is later. */
  readonly lastPick: number;
}

/** FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash ^= text.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/**
 * @param usable engines that can be asked, full ones included: they count for the average
 * @param hasRoom whether an engine can take this request
 */
export function chooseEngine<T extends Candidate>(
  usable: readonly T[],
  student: string,
  hasRoom: (engine: T) => boolean,
): T | undefined {
  const [first] = usable;
  if (first === undefined || usable.length === 1) {
    return first !== undefined && hasRoom(first) ? first : undefined;
  }
  const own = engineOfStudent(usable, student);
  if (own !== undefined && own.inFlight < loadBound(usable) && hasRoom(own)) return own;
  let least: T | undefined;
  for (const engine of usable) {
    if ((least === undefined || precedes(engine, least)) && hasRoom(engine)) least = engine;
  }
  return least;
}

/** Requests that one engine may have, counting the one that is to be placed. */
function loadBound(usable: readonly Candidate[]): number {
  let total = 1;
  for (const engine of usable) total += engine.inFlight;
  return Math.ceil((LOAD_FACTOR * total) / usable.length);
}

function engineOfStudent<T extends Candidate>(usable: readonly T[], student: string): T | undefined {
  const hash = hashOf(student);
  let best: T | undefined;
  let bestScore = -1;
  for (const engine of usable) {
    const score = mixed(hash ^ engine.hash);
    if (score > bestScore) [best, bestScore] = [engine, score];
  }
  return best;
}

/** MurmurHash3's finalizer: neighbouring hashes give unrelated scores. https://github.com/aappleby/smhasher */
function mixed(hash: number): number {
  let mix = hash;
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

function precedes(a: Candidate, b: Candidate): boolean {
  return a.inFlight < b.inFlight || (a.inFlight === b.inFlight && a.lastPick < b.lastPick);
}
