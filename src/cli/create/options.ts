import { z } from 'zod';
import { CLASSROOM_NAME_MAX, classroomNameSchema } from '../../api/classroom.ts';
import type { Program } from '../../command-line/parse.ts';
import { nonEmpty, oneOf } from '../../command-line/values.ts';
import { WAIT_FLAGS, WAIT_SHAPE } from '../cluster/flags.ts';
import { WRITTEN_OUTPUT_FLAGS, WRITTEN_OUTPUT_SHAPE } from '../objects-output.ts';
import { PLAN_FLAGS, planOptionsSchema } from '../plan/options.ts';

const DRY_RUNS = ['none', 'client', 'server'] as const;

const planned = planOptionsSchema.shape;

const className = nonEmpty.refine((name) => classroomNameSchema.safeParse(name).success, {
  error: `must begin with a letter, have only a-z, 0-9 and '-', and at most ${CLASSROOM_NAME_MAX} characters, such as python-101`,
});

export const createOptionsSchema = z.object({
  name: className,
  model: nonEmpty,
  servedName: nonEmpty.optional(),
  modelVolume: nonEmpty.optional(),
  gpu: planned.gpu,
  students: planned.students,
  slicesPerGpu: planned.slicesPerGpu,
  migProfile: planned.migProfile,
  tensorParallel: planned.tensorParallel,
  quantization: planned.quantization,
  maxModelLen: planned.maxModelLen,
  contact: nonEmpty.optional(),
  dryRun: oneOf(DRY_RUNS),
  ...WRITTEN_OUTPUT_SHAPE,
  ...WAIT_SHAPE,
});

/** What the command line of `create` says; what is absent is planned, or has its default. */
export type CreateOptions = z.output<typeof createOptionsSchema>;

export const CREATE_FLAGS: Program<typeof createOptionsSchema>['flags'] = {
  name: { spelling: '<name>', about: 'of the class, such as python-101' },
  model: {
    spelling: '--model <id>',
    about:
      'Hugging Face id, such as Qwen/Qwen2.5-7B-Instruct, a name of the catalogue, or a path on the model volume',
  },
  servedName: { spelling: '--served-name <name>', about: 'what students write as model; default: the id' },
  modelVolume: {
    spelling: '--model-volume <claim>',
    about: 'PersistentVolumeClaim that keeps model files and compile caches; default: they are loaded anew',
  },
  gpu: {
    spelling: '--gpu <name>',
    about: 'GPU, such as A10, or the value of the node label nvidia.com/gpu.product; default: any',
  },
  students: {
    spelling: '--students <n>',
    about: 'how many there will be: as many engines may run as they need',
  },
  slicesPerGpu: PLAN_FLAGS.slicesPerGpu,
  migProfile: PLAN_FLAGS.migProfile,
  tensorParallel: PLAN_FLAGS.tensorParallel,
  quantization: PLAN_FLAGS.quantization,
  maxModelLen: PLAN_FLAGS.maxModelLen,
  contact: {
    spelling: '--contact <text>',
    about: 'whom students may ask; named in refusals and on handouts',
  },
  dryRun: {
    spelling: '--dry-run <where>',
    about:
      'client: print the class, also where no cluster answers; server: let the cluster check it; make nothing',
    default: 'none',
    words: DRY_RUNS,
  },
  output: { ...WRITTEN_OUTPUT_FLAGS.output, about: 'name, yaml, json: print the class' },
  ...WAIT_FLAGS,
  wait: { ...WAIT_FLAGS.wait, about: 'come back when students are served' },
};
