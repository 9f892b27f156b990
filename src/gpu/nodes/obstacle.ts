/**
 * Why a node cannot carry an engine of a class, in the order in which it is looked at: of several nodes, the one that
 * came furthest is the nearest to what the class needs. The words are reasons of the condition GPUAvailable.
 */
export const OBSTACLES = [
  'ProductNotFound',
  'NodeSelectorUnmatched',
  'DRAOnly',
  'GPUsNotAdvertised',
  'ResourceNotAdvertised',
  'MIGInvalid',
  'LabelsContradict',
  'SharedByMPS',
  'MIGSlicesMissing',
  'SharingDiffers',
  'TooFewGPUsPerNode',
  'TaintNotTolerated',
  'GPUsUnhealthy',
  'NodesNotReady',
  'NodesCordoned',
] as const;
export type ObstacleCode = (typeof OBSTACLES)[number];

/** What keeps a class off one node, in words. */
export interface Obstacle {
  code: ObstacleCode;
  /** What about the node, as the end of a sentence that begins with its name. */
  detail: string;
  /** What to do about it, as a sentence. */
  next: string;
}
