/** A word is taken for another one while no more than one letter in three differs. */
const MAX_DIFFERENCE = 1 / 3;

/**
 * The candidate that was probably meant: the one with the fewest letters to change, ignoring case. Undefined where none
 * is near.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance > Math.max(word.length, candidate.length) * MAX_DIFFERENCE) continue;
    if (best === undefined || distance < best.distance) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Letters to add, drop, replace, or swap with the next: https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance */
function editDistance(from: string, to: string): number {
  const lines = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => lines[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= from.length; row++) {
    const line = [row];
    lines.push(line);
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      line.push(
        Math.min(
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          isSwapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(from.length, to.length);
}
