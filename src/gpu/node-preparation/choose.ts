import type { GpuNode } from '../nodes/gpu-node.ts';
import type { NodeAssessment, NodeOffer } from './assess.ts';
import type { NodeNeed } from './need.ts';

/** A class and what the nodes are to it. */
export interface AssessedClass {
  /** `namespace/name`. */
  key: string;
  need: NodeNeed;
  assessments: readonly NodeAssessment[];
}

/** A node that could be changed, and into what. */
export interface NodeChoice {
  node: GpuNode;
  offer: NodeOffer;
}

/** A node that could be changed and is not, because another class counts on it. */
export interface TakenNode {
  node: string;
  /** `namespace/name` of the class that would have too little. */
  by: string;
}

/** What to do about the nodes of a class. */
export interface Preparation extends AssessedClass {
  /** Slots there are now, on all nodes that the class means. */
  offered: number;
  /** As few nodes as give all engines a place, in the order in which to prepare them. Empty: nothing can be gained. */
  choices: readonly NodeChoice[];
  taken: readonly TakenNode[];
}

/**
 * Chooses which nodes to change for a class: none while there are slots enough, and never one whose loss would leave
 * another class with fewer slots than its engines may need, be they stopped now or not. A class that wants whole GPUs
 * has slices undone only where there is no whole GPU at all: somebody wanted them.
 *
 * @param rank choices of a low rank come first
 */
export function choosePreparation(
  own: AssessedClass,
  others: readonly AssessedClass[],
  rank: (choice: NodeChoice) => number,
): Preparation {
  const offered = totalSlots(own);
  const taken: TakenNode[] = [];
  const choices: NodeChoice[] = [];
  let promised = offered;
  const enough = own.need.shape.kind === 'Whole' && offered > 0 ? offered : own.need.slots;
  const candidates = own.assessments
    .flatMap(({ node, slots, offer }) =>
      offer === undefined ? [] : [{ node, slots, offer, rank: rank({ node, offer }) }],
    )
    .toSorted((a, b) => a.rank - b.rank);
  for (const { node, slots, offer } of candidates) {
    if (promised >= enough) break;
    const by = others.find((other) => other.key !== own.key && countsOn(other, node.name));
    if (by !== undefined) {
      taken.push({ node: node.name, by: by.key });
      continue;
    }
    promised += offer.slots - slots;
    choices.push({ node, offer });
  }
  return { ...own, offered, choices, taken };
}

function totalSlots({ assessments }: AssessedClass): number {
  return assessments.reduce((sum, { slots }) => sum + slots, 0);
}

function countsOn(other: AssessedClass, node: string): boolean {
  const here = other.assessments.find((assessment) => assessment.node.name === node)?.slots ?? 0;
  return here > 0 && totalSlots(other) - here < other.need.slots;
}
