/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const quantityPattern =
  /^([+-]?(?:\d+\.?\d*|\.\d+))(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d+))?$/;

const scales: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number a Kubernetes quantity stands for (`"1Gi"`, `"500m"`, `2`), or undefined when it is none. */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const match = quantityPattern.exec(value);
  if (match === null) return undefined;
  const [, digits, suffix, exponent] = match;
  const scale = exponent === undefined ? (scales[suffix ?? ''] ?? 1) : 10 ** Number(exponent);
  return Number(digits) * scale;
}

/** Whether two spellings are one quantity: the API server writes `"1024Mi"` back as `"1Gi"`. */
export function sameQuantity(a: unknown, b: unknown): boolean {
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  if (left === undefined || right === undefined) return false;
  return Math.abs(left - right) <= Number.EPSILON * Math.max(Math.abs(left), Math.abs(right));
}

/**
 * The one spelling of an amount, rounded up to what Kubernetes can tell apart: `1000m` of cores is `1`, `1024Mi` is `1Gi`.
 * With it another spelling of the same amount is no change.
 *
 * @throws RangeError when `value` is no quantity
 */
export function canonicalQuantity(value: string, unit: 'Cores' | 'Bytes'): string {
  const amount = parseQuantity(value);
  if (amount === undefined) throw new RangeError(`'${value}' is no quantity`);
  switch (unit) {
    case 'Cores':
      return inCores(wholeOf(amount * 1000));
    case 'Bytes':
      return inBytes(wholeOf(amount));
  }
}

/** Rounded up, but for what is only the error of floating-point numbers. */
function wholeOf(amount: number): bigint {
  return BigInt(Math.ceil(amount - 1e-6));
}

function inCores(thousandths: bigint): string {
  return thousandths % 1000n === 0n ? `${thousandths / 1000n}` : `${thousandths}m`;
}

const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const;

function inBytes(bytes: bigint): string {
  let amount = bytes;
  let step = 0;
  while (amount !== 0n && amount % 1024n === 0n && step < binarySuffixes.length - 1) {
    amount /= 1024n;
    step += 1;
  }
  return `${amount}${binarySuffixes[step]}`;
}
