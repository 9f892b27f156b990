import { createHash } from 'node:crypto';
import type { Classroom, ClassroomSpec } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { canonicalJson } from '../../kube/intent.ts';

/**
 * Stands for all that decides whether an engine of this class can start: what is remembered of failures holds as long
 * as it stays the same. A changed roster, limit or number of replicas is no new start.
 */
export function specHash(classroom: Classroom, spec: ClassroomSpec): string {
  const { replicas: _replicas, rollout: _rollout, ...engine } = spec.engine;
  const retry = classroom.metadata.annotations?.[ANNOTATIONS.retry] ?? '';
  const decisive = canonicalJson({ model: spec.model, gpu: spec.gpu, engine, retry });
  return createHash('sha256').update(decisive).digest('hex').slice(0, 16);
}
