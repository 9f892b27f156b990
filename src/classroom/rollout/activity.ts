/**
 * Whether the engines of a class have anything to do. From their own metrics: what students ask of other gateways, and
 * what a gateway has sent and not told of, is in there too.
 */
export type Activity =
  /** At least one engine computes, or has requests that wait. */
  | { kind: 'busy' }
  /** No engine has had a request since then (epoch ms). */
  | { kind: 'quiet'; sinceMs: number }
  /** Not every engine that answers could be asked. */
  | { kind: 'unknown'; why: string };
