import { z } from 'zod';
import { parseJson } from '../../json/parse.ts';
import type { ClassActivity } from '../queue/peers.ts';

/**
 * Service of one student at one replica, since it began to count. A student without service for a while is forgotten
 * and begins anew, in another epoch.
 */
const servedSchema = z.tuple([z.string(), z.int(), z.number()]);

/** What a replica says of one class. */
const reportSchema = z.object({
  requests: z.int().min(0),
  weights: z.array(z.tuple([z.string(), z.number().positive()])),
  served: z.array(servedSchema),
});

export type Served = z.infer<typeof servedSchema>;

export interface PeerReport {
  /** Undefined: nothing waits or runs there. */
  readonly activity: ClassActivity | undefined;
  readonly served: readonly Served[];
}

export function formatReport({ activity, served }: PeerReport): string {
  const report: z.infer<typeof reportSchema> = {
    requests: activity?.requests ?? 0,
    weights: [...(activity?.weights ?? [])],
    served: [...served],
  };
  return JSON.stringify(report);
}

/** Undefined: of another version, or damaged. */
export function parseReport(text: string): PeerReport | undefined {
  const parsed = reportSchema.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { requests, weights, served } = parsed.data;
  return { activity: requests === 0 ? undefined : { requests, weights: new Map(weights) }, served };
}
