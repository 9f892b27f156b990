import { z } from 'zod';
import { type Classroom, type EnginePlanStatus, enginePlanStatusSchema } from '../../api/classroom.ts';
import { API_GROUP } from '../../api/group.ts';
import { planRequestSchema } from '../../gpu/plan-types.ts';
import { parseJson } from '../../json/parse.ts';
import { canonicalJson } from '../../kube/intent.ts';
import type { Deployment } from '../../kube/resources.ts';
import { engineContainerOf } from '../engine-container.ts';
import { ownershipOf } from '../ownership.ts';

export type PodTemplate = NonNullable<Deployment['spec']>['template'];

/** On the engines' Deployment: what was last rolled out, as JSON. */
export const ROLLED_OUT_ANNOTATION = `${API_GROUP}/rolled-out`;

/** `Recreate`: all engines at once. `OneByOne`: the next one goes when the one before answers again. */
const STRATEGIES = ['Recreate', 'OneByOne'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/**
 * What runs, or is being started: the pods word for word, and what was planned for them. While a change waits, the
 * Deployment is kept as this says and not as the spec says.
 */
export interface RolledOut {
  template: PodTemplate;
  strategy: Strategy;
  /** The first name under which these engines serve the model. */
  servedName: string;
  plan: EnginePlanStatus | undefined;
  /** What nodes said of the slots that this was planned for, so that it is known while no such node is there. */
  slot: RememberedSlot | undefined;
}

/** `of`: for which `gpu` of the spec. */
const rememberedSlotSchema = z.object({ of: z.string(), request: planRequestSchema.shape.slot });
export type RememberedSlot = z.infer<typeof rememberedSlotSchema>;

const templateShape = z.looseObject({
  spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string() })).min(1) }),
});

/** An older operator wrote other figures: without them the pods are still known. */
const rolledOutSchema = z.object({
  template: z.custom<PodTemplate>((value) => templateShape.safeParse(value).success),
  strategy: z.enum(STRATEGIES).catch('Recreate'),
  servedName: z.string(),
  plan: enginePlanStatusSchema.optional().catch(undefined),
  slot: rememberedSlotSchema.optional().catch(undefined),
});

/** The annotation that keeps it: equal records give equal text. */
export function rolledOutAnnotation(rolledOut: RolledOut): Record<string, string> {
  return { [ROLLED_OUT_ANNOTATION]: canonicalJson(rolledOut) };
}

/**
 * What the Deployment of the class runs; undefined when there is none, when it is not the class's own, or when the
 * annotation is gone: then nothing is known that could be kept.
 */
export function rolledOutOf(classroom: Classroom, deployment: Deployment | undefined): RolledOut | undefined {
  const text = deployment?.metadata.annotations?.[ROLLED_OUT_ANNOTATION];
  if (deployment === undefined || text === undefined) return undefined;
  if (deployment.metadata.deletionTimestamp !== undefined) return undefined;
  if (ownershipOf(classroom, deployment) !== 'ours') return undefined;
  const parsed = rolledOutSchema.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { plan, slot, ...rest } = parsed.data;
  return { ...rest, plan, slot };
}

/** What each of its engines asks for besides GPUs; empty for one of an older operator. */
export function requestsOf({ template }: RolledOut): Readonly<Record<string, string>> {
  return engineContainerOf(template.spec)?.resources?.requests ?? {};
}

/** The extended resource that each of its engines asks for, and how many of it. */
export function resourceOf({ template }: RolledOut): { resourceName: string; resourceCount: number } {
  const engine = engineContainerOf(template.spec);
  const limits = Object.entries(engine?.resources?.limits ?? {});
  // Only extended resources have a domain: cpu and memory have none.
  const [resourceName = '', count = ''] = limits.find(([name]) => name.includes('/')) ?? [];
  return { resourceName, resourceCount: Number(count) };
}
