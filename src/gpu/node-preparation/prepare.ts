import type { Classroom } from '../../api/classroom.ts';
import { parseClassroom } from '../../api/parse.ts';
import { keyOf } from '../../kube/object.ts';
import { migGpu } from '../hardware/mig-profiles.ts';
import type { KnownGpus } from '../nodes/observation.ts';
import { gpuPlacement } from '../nodes/placement.ts';
import { assessNodes, foreignPods } from './assess.ts';
import { type AssessedClass, choosePreparation, type NodeChoice, type Preparation } from './choose.ts';
import { builtInLayout, nodeHindrance } from './manage.ts';
import { nodeNeed } from './need.ts';
import { recordOf } from './record.ts';

/**
 * What to do about the nodes of a class; undefined where its spec cannot be read.
 *
 * @param all every class: a node that one counts on is not changed for another
 */
export function preparationOf(
  classroom: Classroom,
  all: readonly Classroom[],
  known: KnownGpus,
): Preparation | undefined {
  const own = assessedClass(classroom, known);
  if (own === undefined) return undefined;
  const rank = rankFor(own.key, known);
  const alone = choosePreparation(own, [], rank);
  // Most classes need nothing; only for the others is it worth while to look at everybody.
  if (alone.choices.length === 0) return alone;
  const others = all.flatMap((other) =>
    keyOf(other.metadata) === own.key ? [] : (assessedClass(other, known) ?? []),
  );
  return choosePreparation(own, others, rank);
}

function assessedClass(classroom: Classroom, known: KnownGpus): AssessedClass | undefined {
  const parsed = parseClassroom(classroom);
  if (!parsed.ok) return undefined;
  const key = keyOf(classroom.metadata);
  const { spec } = parsed.classroom;
  const placement = gpuPlacement(spec.gpu, known, classroom.status?.plan?.resourceName);
  const need = nodeNeed(spec, placement);
  return {
    key,
    need,
    assessments: assessNodes(need, placement.verdicts, { migGpu, pods: known.pods, classKey: key }),
  };
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
