import type { ClassroomSpec } from '../../api/classroom.ts';
import type { EngineVariable } from '../../api/engine-env.ts';
import { MODEL_VOLUME_PATH } from '../../api/model.ts';
import { adapterEnvironment } from '../adapters/engine-options.ts';
import { ENGINE_LOG } from '../failures/engine-log.ts';
import type { PodTemplate } from '../rollout/rolled-out.ts';

type Container = NonNullable<PodTemplate['spec']>['containers'][number];
type Variable = NonNullable<Container['env']>[number];

/**
 * What the operator sets, each of which `DENIED_ENGINE_VARIABLES` names, and then what the spec adds, in its order: a
 * value may refer to one before it. Caches lie on the model volume, so that a restart neither downloads nor compiles
 * again.
 */
export function engineEnvironment(spec: ClassroomSpec): Variable[] {
  const token = spec.model.tokenSecretRef;
  return [
    { name: 'HF_HOME', value: `${MODEL_VOLUME_PATH}/.cache/huggingface` },
    ...(token === undefined
      ? []
      : [{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: token.name, key: token.key } } }]),
    ...adapterEnvironment(spec),
    { name: 'TRITON_CACHE_DIR', value: `${MODEL_VOLUME_PATH}/.cache/triton` },
    { name: 'VLLM_CACHE_ROOT', value: `${MODEL_VOLUME_PATH}/.cache/vllm` },
    // Above the time for which the gateway keeps idle connections; with vLLM's 5 s it would reuse closed ones.
    { name: 'VLLM_HTTP_TIMEOUT_KEEP_ALIVE', value: '75' },
    ENGINE_LOG.env,
    // Completions of one request: with vLLM's default of 16384 one student can exhaust the memory of all.
    { name: 'VLLM_MAX_N_SEQUENCES', value: '4' },
    { name: 'VLLM_NO_USAGE_STATS', value: '1' },
    ...spec.engine.env.map(addedVariable),
  ];
}

/** An empty value is left out, as the API server does: it means the same, and would look like a difference. */
function addedVariable({ name, value, secretKeyRef }: EngineVariable): Variable {
  return {
    name,
    ...(value === undefined || value === '' ? {} : { value }),
    ...(secretKeyRef === undefined ? {} : { valueFrom: { secretKeyRef } }),
  };
}
