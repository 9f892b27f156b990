import type { Classroom } from '../../../../src/api/classroom.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { createKubeClient } from '../../../../src/kube/kube-client.ts';
import { merged } from '../../../support/builders.ts';
import { noCredentials } from '../../../support/kube-client.ts';

export const conflict = new KubeApiError({
  status: 409,
  reason: 'Conflict',
  message: 'the object was modified',
});

/**
 * One class as an API server keeps it: a change that rests on an old version is refused.
 *
 * @param between what somebody else makes of the class before each write is looked at; undefined: it is deleted
 */
export function apiServer(
  found: Classroom,
  between: (there: Classroom) => Classroom | undefined = (there) => there,
): { client: KubeClient; sent: unknown[] } {
  const sent: unknown[] = [];
  let there: Classroom | undefined = found;
  const client = {
    ...createKubeClient({ credentials: noCredentials('http://127.0.0.1:1') }),
    get: async () => there,
    mergePatch: async (_: unknown, __: unknown, patch: unknown, options: unknown) => {
      there = there && between(there);
      const written = merged(there, patch);
      if (written?.metadata.resourceVersion !== there?.metadata.resourceVersion) throw conflict;
      sent.push(patch, options);
      return written;
    },
  } as KubeClient;
  return { client, sent };
}
