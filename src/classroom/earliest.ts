/** The earliest of these points in time that lies ahead (epoch ms); undefined: none does. Infinite ones never come. */
export function earliestAfter(nowMs: number, times: readonly (number | undefined)[]): number | undefined {
  const later = times.filter((time): time is number => time !== undefined && time > nowMs);
  const earliest = Math.min(...later);
  return Number.isFinite(earliest) ? earliest : undefined;
}
