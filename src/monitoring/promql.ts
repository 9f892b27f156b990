/** PromQL without the line breaks that it is written with here. */
export function oneLine(expr: string): string {
  return expr.trim().replaceAll(/\s+/g, ' ');
}
