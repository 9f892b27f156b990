import type { Classroom, ClassroomSpecInput } from '../../api/classroom.ts';
import { API_GROUP_VERSION } from '../../api/group.ts';
import { parseClassroom } from '../../api/parse.ts';
import type { KubeObject } from '../../kube/object.ts';
import { problems } from '../problems.ts';
import { hubId } from './hub-id.ts';
import type { CreateOptions } from './options.ts';

/** A class as a person writes it: nothing that has a default. */
export interface WrittenClass extends KubeObject {
  readonly spec: ClassroomSpecInput;
}

/** @param product value for `gpu.product`, where a GPU is named */
export function writtenClass(
  options: CreateOptions,
  namespace: string,
  product: string | undefined,
): WrittenClass {
  const { model, servedName, maxModelLen, quantization, modelVolume, contact } = options;
  const gpu = { ...sharingOf(options), ...(product === undefined ? {} : { product }) };
  return {
    apiVersion: API_GROUP_VERSION,
    kind: 'Classroom',
    metadata: { name: options.name, namespace },
    spec: {
      model: {
        id: hubId(model),
        ...(servedName === undefined ? {} : { servedName }),
        ...(maxModelLen === undefined ? {} : { maxModelLen }),
        ...(quantization === undefined ? {} : { quantization }),
        ...(modelVolume === undefined ? {} : { storage: { claimName: modelVolume } }),
      },
      ...(Object.keys(gpu).length === 0 ? {} : { gpu }),
      ...(contact === undefined ? {} : { contact }),
    },
  };
}

function sharingOf({
  slicesPerGpu,
  migProfile,
  tensorParallel,
}: CreateOptions): NonNullable<ClassroomSpecInput['gpu']> {
  if (migProfile !== undefined) return { sharing: 'MIG', migProfile };
  if (slicesPerGpu !== undefined && slicesPerGpu > 1) {
    return { sharing: 'TimeSliced', slicesPerGPU: slicesPerGpu };
  }
  return tensorParallel === undefined ? {} : { gpusPerEngine: tensorParallel };
}

/** The same class with so many engines at the most; none is started before there are students for it. */
export function withEngines({ spec, ...rest }: WrittenClass, max: number): WrittenClass {
  return { ...rest, spec: { ...spec, engine: { ...spec.engine, replicas: { max } } } };
}

/**
 * The class with its defaults, as the API server has it.
 *
 * @throws CliError for what is no class
 */
export function completeClass(written: WrittenClass): Classroom {
  const parsed = parseClassroom(written);
  if (parsed.ok) return parsed.classroom;
  throw problems.classInvalid({
    name: written.metadata.name,
    issues: parsed.issues.map(({ path, message }) => `${path} ${message}`),
  });
}
