import type { StudentLimits } from '../../api/limits.ts';

const WORDS: Readonly<Record<keyof StudentLimits, string>> = {
  requestsPerMinute: 'requests a minute',
  tokensPerMinute: 'tokens a minute',
  tokensPerDay: 'tokens a day',
  tokensTotal: 'tokens in all',
  concurrentRequests: 'requests at a time',
  maxOutputTokens: 'tokens an answer',
};

/** Limits for people, in the order of the schema; those that are absent do not limit. */
export function limitWords(
  limits: { readonly [Name in keyof StudentLimits]?: StudentLimits[Name] | undefined },
): [name: string, text: string][] {
  const written = new Map(Object.entries(limits));
  return Object.entries(WORDS).flatMap(([name, words]) => {
    const value = written.get(name);
    return value === undefined || value === null ? [] : [[words, String(value)]];
  });
}
