import { z } from 'zod';
import { dnsSubdomain, instant, int32, listBy, text } from './bounds.ts';
import { API_GROUP } from './group.ts';

/** Characters of `status.nodePreparation.commands`. */
export const PREPARATION_COMMANDS_MAX = 16_384;
/** Nodes that the status tells of: the operator changes one at a time, but failed ones stay. */
export const PREPARED_NODES_MAX = 16;

/**
 * On a Node: what the operator is doing to it, or where it failed. It is written in the same request as the cordon, and
 * taken off in the same request as the uncordon: a node without it was not cordoned by the operator.
 */
export const PREPARATION_ANNOTATION = `${API_GROUP}/node-preparation`;

/** Where the preparation of a node stands. */
export const PREPARATION_STEPS = ['Draining', 'Configuring', 'Failed'] as const;

/** What is to be done to nodes, and what the operator is doing; absent where there is nothing. */
export const nodePreparationSchema = z
  .object({
    offered: int32(0, 1_000_000).describe('Slots that the nodes which the class means offer now.'),
    needed: int32(0, 1_000_000).describe('Slots that all engines which the class may have need.'),
    nodes: listBy(
      'name',
      z.object({
        name: dnsSubdomain().describe('Name of the node.'),
        step: z
          .enum(PREPARATION_STEPS)
          .describe(
            'Draining: cordoned, its engines go. Configuring: the MIG manager is at work. Failed: it stays cordoned until a person has looked.',
          ),
        layout: text(63).describe('MIG layout that it is to get (`nvidia.com/mig.config`).'),
        since: instant().describe('When this step began.'),
      }),
      { max: PREPARED_NODES_MAX },
    )
      .optional()
      .describe('Nodes that the operator has begun on.'),
    commands: z
      .string()
      .max(PREPARATION_COMMANDS_MAX)
      .optional()
      .describe(
        'Everything that a person types to prepare the nodes, or to undo what failed; to be read first.',
      ),
  })
  .describe('What the nodes lack, and how they get it.');
