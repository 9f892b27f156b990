import type { Classroom, ClassroomSpec } from '../../api/classroom.ts';
import { parseClassroom } from '../../api/parse.ts';
import { keyOf } from '../../kube/object.ts';
import { migGpu } from '../hardware/mig-profiles.ts';
import type { GpuObservation, KnownGpus } from '../nodes/observation.ts';
import { type GpuPlacement, gpuPlacement } from '../nodes/placement.ts';
import { assessNodes, foreignPods } from './assess.ts';
import { type AssessedClass, choosePreparation, type NodeChoice, type Preparation } from './choose.ts';
import { builtInLayout, nodeHindrance } from './manage.ts';
import { nodeNeed } from './need.ts';
import { recordOf } from './record.ts';

/** A class whose spec makes sense, and where its engines may run. */
export interface PlacedClass {
  /** `namespace/name`. */
  key: string;
  spec: ClassroomSpec;
  placement: GpuPlacement;
}

/** @returns undefined where the spec cannot be read */
export function placedClass(classroom: Classroom, observed: GpuObservation): PlacedClass | undefined {
  const parsed = parseClassroom(classroom);
  if (!parsed.ok) return undefined;
  const { spec, status } = parsed.classroom;
  return {
    key: keyOf(classroom.metadata),
    spec,
    placement: gpuPlacement(spec.gpu, observed, status?.plan?.resourceName),
  };
}

/**
 * What to do about the nodes of a class.
 *
 * @param all every class: a node that one counts on is not changed for another
 */
export function preparationOf(own: PlacedClass, all: readonly Classroom[], known: KnownGpus): Preparation {
  const assessed = assessClass(own, known);
  const rank = rankFor(own.key, known);
  const alone = choosePreparation(assessed, [], rank);
  // Most classes need nothing; only for the others is it worth while to look at everybody.
  if (alone.choices.length === 0) return alone;
  const others = all.flatMap((other) => {
    const placed = keyOf(other.metadata) === own.key ? undefined : placedClass(other, known);
    return placed === undefined ? [] : [assessClass(placed, known)];
  });
  return choosePreparation(assessed, others, rank);
}

function assessClass({ key, spec, placement }: PlacedClass, known: KnownGpus): AssessedClass {
  const need = nodeNeed(spec, placement);
  const context = { migGpu, pods: known.pods, classKey: key };
  return { key, need, assessments: assessNodes(need, placement.verdicts, context) };
}

/** More pods than a node can run. */
const HINDERED_RANK = 10_000;

/** What was begun comes first, then nodes that nobody works on; last what cannot be begun now. */
function rankFor(key: string, known: KnownGpus): (choice: NodeChoice) => number {
  return ({ node, offer }) => {
    const record = recordOf(node);
    if (record !== undefined && record !== 'unreadable' && record.class === key) return 0;
    const layout = builtInLayout(offer);
    const isHindered =
      layout === undefined ? node.cordoned || !node.ready : nodeHindrance(node, layout) !== undefined;
    return 1 + foreignPods(known.pods, node.name, key).length + (isHindered ? HINDERED_RANK : 0);
  };
}
