const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long until something, for people: `12 min`, `15 h`, `3 days`. */
export function spanText(ms: number): string {
  if (ms < HOUR_MS) return `${Math.max(1, Math.ceil(ms / MINUTE_MS))} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}

/** How long ago, as short as kubectl has it: `45s`, `12m`, `15h`, `3d`. */
export function ageText(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.max(0, Math.floor(ms / SECOND_MS))}s`;
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)}h`;
  return `${Math.floor(ms / DAY_MS)}d`;
}

/** `2026-11-23T09:00:00+01:00` → `2026-11-23 09:00`, which is local time; `…Z` → `2026-11-23 08:00 UTC`. */
export function minuteText(moment: string): string {
  const text = moment.slice(0, 16).replace('T', ' ');
  return moment.endsWith('Z') ? `${text} UTC` : text;
}
