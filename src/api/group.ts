/** API group and version of our resources; also the prefix of our labels, annotations and finalizers. */
export const API_GROUP = 'gpu-classroom.io';
export const API_VERSION = 'v1alpha1';
export const API_GROUP_VERSION = `${API_GROUP}/${API_VERSION}` as const;
