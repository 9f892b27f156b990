import { z } from 'zod';
import type { KubeObject, Resource } from '../kube/object.ts';
import { ADAPTERS_MAX, adapterSchema, adapterStatusSchema } from './adapter.ts';
import {
  dnsLabel,
  dnsSubdomain,
  instant,
  int32,
  int64,
  listBy,
  serviceLabel,
  setOf,
  sha256,
  text,
} from './bounds.ts';
import { rule } from './cel.ts';
import { conditionSchema } from './condition.ts';
import { engineSchema } from './engine.ts';
import { engineFailuresSchema } from './engine-failures.ts';
import { fineTuningSchema } from './fine-tuning.ts';
import { gpuSchema } from './gpu.ts';
import { API_GROUP, API_VERSION } from './group.ts';
import { boostSchema, limitsSchema } from './limits.ts';
import { modelSchema } from './model.ts';
import { nodePreparationSchema } from './node-preparation.ts';
import { scheduleSchema } from './schedule.ts';

/** Leaves room for the suffixes of child names within 63 characters. */
export const CLASSROOM_NAME_MAX = 40;

export const ACCESS_MODES = ['Open', 'Closed', 'Exam'] as const;

export const examSchema = z
  .object({
    students: setOf(text(63), { max: 1000 })
      .default([])
      .describe('Ids of the students who sit the exam. Empty: all.'),
    maxOutputTokens: int32(1, 1_000_000).default(512).describe('The most tokens one answer may have.'),
    allowAdapters: z.boolean().default(false).describe('Whether LoRA adapters may be used.'),
    allowTools: z.boolean().default(false).describe('Whether requests may offer tools to the model.'),
  })
  .describe("What holds while `access` is 'Exam'.");

/** Every name of the base model, as CEL. */
const MODEL_NAMES =
  '([has(self.model.servedName) ? self.model.servedName : self.model.id] + (has(self.model.aliases) ? self.model.aliases : []))';

export const classroomSpecSchema = z
  .object({
    model: modelSchema,
    gpu: gpuSchema.prefault({}),
    engine: engineSchema.prefault({}),
    contact: text(256).optional().describe('Whom students may ask; named in refusals.'),
    limits: limitsSchema.prefault({}).describe('What students may use.'),
    schedule: scheduleSchema.optional(),
    idle: z
      .object({
        scaleToZeroAfterMinutes: int32(1, 1440).describe('Engines stop after this long without a request.'),
      })
      .optional()
      .describe('What happens when nobody asks.'),
    access: z
      .enum(ACCESS_MODES)
      .default('Open')
      .describe('Open: students are served. Closed: nobody is. Exam: as `exam` says.'),
    boost: boostSchema.optional(),
    exam: examSchema.optional(),
    adapters: listBy('name', adapterSchema, { max: ADAPTERS_MAX })
      .default([])
      .describe('LoRA adapters that students may use.'),
    fineTuning: fineTuningSchema.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        "self.access != 'Exam' || has(self.exam)",
        "`exam` must be set when `access` is 'Exam'",
        'FieldValueRequired',
        '.exam',
      ),
      rule(
        '!has(self.idle) || self.engine.replicas.min == 0',
        '`idle.scaleToZeroAfterMinutes` must not be set unless `engine.replicas.min` is 0',
        'FieldValueInvalid',
        '.idle',
      ),
      rule(
        '!has(self.adapters) || self.adapters.size() == 0 || has(self.model.storage)',
        '`model.storage` must be set when `adapters` are used: they are read from the model volume',
        'FieldValueRequired',
        '.adapters',
      ),
      rule(
        `!has(self.adapters) || !self.adapters.exists(a, ${MODEL_NAMES}.exists(n, n == a.name || n.endsWith(':' + a.name)))`,
        '`name` of `adapters` must not be a name of the model, nor the end of one after a colon: students could not tell them apart',
        'FieldValueInvalid',
        '.adapters',
      ),
    ],
  })
  .describe('What the class needs.');

const sessionSchema = z.object({
  start: instant().describe("When it begins, in the class's local time with its offset."),
  end: instant().describe('When it ends.'),
});

export const timetableStatusSchema = z
  .object({
    timeZone: text(64).describe('IANA time zone that the times below are written in.'),
    session: sessionSchema.optional().describe('The session that runs.'),
    nextSession: sessionSchema
      .optional()
      .describe('The session that comes next; absent: none within a year.'),
    openUntil: instant()
      .optional()
      .describe(
        'Until then the class is open whatever the timetable says: annotation `gpu-classroom.io/open-until`.',
      ),
    nextChangeTime: instant()
      .optional()
      .describe('When the class opens or closes next by time alone; absent: never.'),
    nextChange: text(128)
      .optional()
      .describe("The same in words and in the class's local time, such as `closes Mon 2026-11-23 12:00`."),
  })
  .describe('Sessions and openings as points in time. Absent without a timetable.');

const accessStatusSchema = z
  .object({
    mode: z.enum(ACCESS_MODES).describe('`spec.access` as the operator last saw it.'),
    changedTime: instant()
      .optional()
      .describe('When it was last changed; absent: not since the class exists.'),
    changedBy: text(253).optional().describe('Who changed it, as far as that is known.'),
  })
  .describe('Who may use the class, and who changed that last.');

export const reportKeyStatusSchema = z
  .object({
    secretName: dnsSubdomain().describe('The Secret that holds the key.'),
    sha256: sha256().describe('SHA-256 of the key in hexadecimal; the key itself is only in the Secret.'),
    createdTime: instant().describe('When the key was made.'),
  })
  .describe('The key that opens the reports of the class, and nothing else.');

const ENGINE_STATES = ['Waiting', 'Scheduling', 'Loading', 'Ready', 'Failing', 'Stopping'] as const;

const engineStatusSchema = z.object({
  name: dnsSubdomain().describe('Name of the pod.'),
  state: z.enum(ENGINE_STATES).describe('What the engine does now.'),
  node: z.string().max(253).optional().describe('Node it runs on.'),
  reason: text(64).optional().describe('Why it fails, or why the start before failed, in one word.'),
  message: z.string().max(2048).optional().describe('The cause of a failure, or what it waits for.'),
  adapters: setOf(dnsLabel(), { max: ADAPTERS_MAX }).optional().describe('Adapters that it has loaded.'),
  kvCacheTokens: int64(1).optional().describe('Tokens that its KV cache holds, as it says itself.'),
  startedBeside: dnsSubdomain()
    .optional()
    .describe(
      'Engine that started on its GPU at the same time, so that its KV cache is too small. It is started anew.',
    ),
});

const memoryMiB = (what: string) => int32(-4_194_304, 4_194_304).describe(what);

/** The figures that engines were last started with; what is absent was not planned, but taken by rules of thumb. */
export const enginePlanStatusSchema = z.object({
  maxModelLen: int32(1, 10_000_000).describe('Context length in tokens.'),
  maxNumSeqs: int32(1, 100_000).describe('Requests computed together.'),
  maxNumBatchedTokens: int32(1, 10_000_000).describe('Tokens computed in one step.'),
  gpuMemoryUtilizationPercent: int32(1, 100).describe(
    'Share of the GPU memory that vLLM may use, rounded down.',
  ),
  kvCacheMemoryMiB: int32(1, 4_194_304)
    .optional()
    .describe('Memory of the KV cache on each GPU (`--kv-cache-memory-bytes`).'),
  kvCacheTokens: int64(1).optional().describe('Tokens that the KV cache of one engine holds.'),
  studentsPerReplica: int32(1, 100_000).optional().describe('Students that one engine carries.'),
  memory: z
    .object({
      totalMiB: memoryMiB('What CUDA sees of one GPU or MIG slice.'),
      budgetMiB: memoryMiB('What vLLM lets itself have of it.'),
      weightsMiB: memoryMiB('Weights of the model.'),
      activationsMiB: memoryMiB('The largest step.'),
      graphsMiB: memoryMiB('CUDA graphs, where the release charges them to its budget.'),
      overheadMiB: memoryMiB('Libraries, communication buffers, adapters, and what is held back.'),
      heldBackMiB: memoryMiB('Of the overhead, what is left free so that the engine does not run out.'),
      kvCacheMiB: memoryMiB('What is left for the KV cache.'),
    })
    .optional()
    .describe('The memory of one GPU, term by term.'),
  confidence: z
    .enum(['High', 'Medium', 'Low'])
    .optional()
    .describe('How sure the plan is: Low where model or engine are estimated.'),
  warnings: setOf(z.string().max(1024), { max: 16 }).optional().describe('What works and could work better.'),
  resourceName: z.string().max(316).describe('Extended resource that an engine asks for.'),
  basis: z.string().max(1024).describe('Where the figures come from, in words.'),
});

export const classroomStatusSchema = z
  .object({
    conditions: listBy('type', conditionSchema, { max: 32 })
      .optional()
      .describe('The state of the class, aspect by aspect; `Ready` sums it up.'),
    observedGeneration: int64(0)
      .optional()
      .describe('The generation of the spec that this status describes.'),
    replicas: int32(0, 10_000).optional().describe('Engines wanted.'),
    readyReplicas: int32(0, 10_000).optional().describe('Engines that answer.'),
    selector: z
      .string()
      .max(1024)
      .optional()
      .describe('Label selector of the engine pods, for the scale subresource.'),
    students: int32(0, 100_000).optional().describe('Seats of the class: its StudentQuotas.'),
    servedName: z.string().max(512).optional().describe('The name students write as `model`.'),
    baseURL: z
      .string()
      .max(512)
      .optional()
      .describe("The OpenAI base URL of the class: students' OPENAI_BASE_URL."),
    plan: enginePlanStatusSchema.optional().describe('The figures the engines run with.'),
    engines: listBy('name', engineStatusSchema, { max: 256 })
      .optional()
      .describe('Every engine pod and its state.'),
    adapters: listBy('name', adapterStatusSchema, { max: ADAPTERS_MAX })
      .optional()
      .describe('Every adapter of the spec, and whether the engines have it.'),
    failures: engineFailuresSchema.optional(),
    nodePreparation: nodePreparationSchema.optional(),
    lastLoadSeconds: int32(0, 86_400)
      .optional()
      .describe('How long the engine that was started last took until it answered.'),
    largestKvCache: z
      .object({
        commandHash: text(64).describe('Stands for the image and arguments of those engines.'),
        tokens: int64(1).describe('Tokens that it held.'),
      })
      .optional()
      .describe('The largest KV cache that an engine of the present image and arguments had.'),
    lastReadyTime: instant().optional().describe('When an engine last became ready.'),
    timetable: timetableStatusSchema.optional(),
    access: accessStatusSchema.optional(),
    reportKey: reportKeyStatusSchema.optional(),
  })
  .describe('What the operator observed; written by it alone.');

export type ClassroomSpec = z.infer<typeof classroomSpecSchema>;
/** A spec as a person writes it: defaults may be absent. */
export type ClassroomSpecInput = z.input<typeof classroomSpecSchema>;
export type ClassroomStatus = z.infer<typeof classroomStatusSchema>;
export type EngineStatus = z.infer<typeof engineStatusSchema>;
export type EnginePlanStatus = z.infer<typeof enginePlanStatusSchema>;
export type TimetableStatus = z.infer<typeof timetableStatusSchema>;
export type AccessStatus = z.infer<typeof accessStatusSchema>;
export type ReportKeyStatus = z.infer<typeof reportKeyStatusSchema>;
export type EngineState = (typeof ENGINE_STATES)[number];

export interface Classroom extends KubeObject {
  spec: ClassroomSpec;
  status?: ClassroomStatus;
}

export const classrooms: Resource<Classroom> = {
  group: API_GROUP,
  version: API_VERSION,
  kind: 'Classroom',
  plural: 'classrooms',
  namespaced: true,
};

/** Schema of `metadata.name`, also a CEL rule of the CRD. */
export const classroomNameSchema = serviceLabel(CLASSROOM_NAME_MAX);
