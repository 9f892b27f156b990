/** Of everything that the node agent writes. */
export const FIELD_MANAGER = 'gpu-classroom-node-agent';
