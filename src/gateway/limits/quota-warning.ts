import { QUOTA_WARNING_PERCENT } from '../../api/limits.ts';
import type { LimitName, LimitState } from './limit-state.ts';

/** Tells the client that a budget is nearly used up. */
export const QUOTA_WARNING_HEADER = 'x-gateway-quota-warning';

/** Budgets by their names in `x-ratelimit-` headers. */
const NAMES: Partial<Record<LimitName, string>> = { tokensPerDay: 'tokens-day', tokensTotal: 'tokens-total' };

/**
 * Every budget of which at least 80 % is used, as a list of structured fields
 * (https://www.rfc-editor.org/rfc/rfc9651#name-lists): `tokens-day;used=83;limit=500000;reset=18720`, with the used part
 * in percent, rounded down, and the seconds until it is there again. Undefined: there is none.
 *
 * What running requests have reserved is not used yet: one long wish must not warn.
 */
export function quotaWarning(limits: readonly LimitState[]): string | undefined {
  const warnings = limits.flatMap(({ name, limit, used = 0, resetMs }) => {
    const budget = NAMES[name];
    const percent = Math.floor((100 * used) / limit);
    if (budget === undefined || percent < QUOTA_WARNING_PERCENT) return [];
    const reset = Number.isFinite(resetMs) ? `;reset=${Math.ceil(resetMs / 1000)}` : '';
    return [`${budget};used=${percent};limit=${limit}${reset}`];
  });
  return warnings.length === 0 ? undefined : warnings.join(', ');
}
