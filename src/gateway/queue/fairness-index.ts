/**
 * Jain's fairness index of what several got: 1 when all got the same, 1/n when one got all. Nothing for nobody is fair.
 * R. Jain et al., DEC-TR-301, 1984: https://arxiv.org/abs/cs/9809099
 */
export function jainIndex(shares: readonly number[]): number {
  let sum = 0;
  let squares = 0;
  for (const share of shares) {
    sum += share;
    squares += share * share;
  }
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}
