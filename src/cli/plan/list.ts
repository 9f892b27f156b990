/** `A10, L4` → A10 and L4: the values of a flag that takes several. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
