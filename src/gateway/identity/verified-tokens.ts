import type { TokenSubject } from './credential.ts';

/** Whom tokens belong to that were verified, by the hash of the token: bounded, the least recently used go first. */
export interface VerifiedTokens {
  find(sha256: string, nowMs: number): TokenSubject | undefined;
  /** @param untilMs epoch ms */
  put(sha256: string, subject: TokenSubject, untilMs: number): void;
  readonly size: number;
}

interface Entry {
  readonly subject: TokenSubject;
  readonly untilMs: number;
}

/** A Map iterates in the order of insertion: what is used is inserted anew, so that the first is the least used. */
export function createVerifiedTokens(maxSize: number): VerifiedTokens {
  const entries = new Map<string, Entry>();
  return {
    find(sha256, nowMs) {
      const entry = entries.get(sha256);
      if (entry === undefined) return undefined;
      entries.delete(sha256);
      if (entry.untilMs <= nowMs) return undefined;
      entries.set(sha256, entry);
      return entry.subject;
    },
    put(sha256, subject, untilMs) {
      entries.delete(sha256);
      entries.set(sha256, { subject, untilMs });
      if (entries.size <= maxSize) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
    get size() {
      return entries.size;
    },
  };
}
