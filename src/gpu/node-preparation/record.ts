import { z } from 'zod';
import { PREPARATION_ANNOTATION, PREPARATION_STEPS } from '../../api/node-preparation.ts';
import { parseJson } from '../../json/parse.ts';
import type { GpuNode } from '../nodes/gpu-node.ts';

/** Why a preparation ended half-way; the node stays as it is until a person has looked. */
export const FAILURES = [
  /** The engines of the class did not go. */
  'DrainTimeout',
  /** The MIG manager said `failed`. */
  'LayoutFailed',
  /** The MIG manager did not finish. */
  'LayoutTimeout',
  /** The MIG manager said `success`, but the slices did not appear. */
  'SlicesMissing',
  /** Somebody set another layout meanwhile. */
  'LayoutChanged',
  /** Somebody uncordoned the node meanwhile. */
  'Uncordoned',
] as const;
export type PreparationFailure = (typeof FAILURES)[number];

export const recordSchema = z.strictObject({
  /** `namespace/name` of the class that the node is prepared for. */
  class: z.string().min(3).max(320),
  step: z.enum(PREPARATION_STEPS),
  /** When this step began. */
  since: z.iso.datetime(),
  /** Value of `nvidia.com/mig.config` that is wanted. */
  layout: z.string().min(1).max(63),
  /** The value before; absent: the label was not there. */
  previousLayout: z.string().max(63).optional(),
  /** What the node shall offer when it is done, and how much of it. */
  resource: z.string().min(3).max(316),
  slots: z.int().min(1).max(1024),
  /** Of the slices; absent: whole GPUs. */
  profile: z.string().max(32).optional(),
  failure: z.enum(FAILURES).optional(),
});

export type PreparationRecord = z.infer<typeof recordSchema>;

/** A record as the annotation holds it. */
export function formatRecord(record: PreparationRecord): string {
  return JSON.stringify(record);
}

/** @returns undefined without annotation; `unreadable` where it is not of this version's making */
export function recordOf(node: Pick<GpuNode, 'annotations'>): PreparationRecord | 'unreadable' | undefined {
  const text = node.annotations[PREPARATION_ANNOTATION];
  if (text === undefined) return undefined;
  return recordSchema.safeParse(parseJson(text)).data ?? 'unreadable';
}

/** The nodes that an operator has begun on. */
export function recordsOf(nodes: readonly GpuNode[]): { node: GpuNode; record: PreparationRecord }[] {
  return nodes.flatMap((node) => {
    const record = recordOf(node);
    return record === undefined || record === 'unreadable' ? [] : [{ node, record }];
  });
}
