import { z } from 'zod';
import { instant, int32, text } from './bounds.ts';

/** What the operator lowers when an engine runs out of GPU memory, in this order. */
const MEMORY_SETTINGS = ['MaxNumBatchedTokens', 'MaxNumSeqs', 'MaxModelLen', 'GPUMemoryUtilization'] as const;

const memoryStepSchema = z
  .object({
    setting: z.enum(MEMORY_SETTINGS).describe('What was lowered.'),
    from: text(16).describe('What the engine that failed ran with, as its argument says it.'),
    to: text(16).describe('What engines run with since.'),
    reason: text(64).describe('The failure that led to it.'),
    time: instant().describe('When.'),
  })
  .describe('One step down, because an engine ran out of GPU memory.');

const heldSchema = z
  .object({
    since: instant().describe('Since when no engine is started.'),
    retryTime: instant()
      .optional()
      .describe('When engines are started again. Absent: only when the spec changes.'),
  })
  .describe('Engines are not started for now, so that they do not take GPUs in vain.');

/** What the operator remembers of engines that fail. */
export const engineFailuresSchema = z
  .object({
    specHash: text(64).describe(
      'Stands for what the spec says of model, GPU and engines: what is remembered ends when that changes.',
    ),
    memorySteps: z
      .array(memoryStepSchema)
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Settings lowered because engines ran out of GPU memory, the oldest first.'),
    reason: text(64).optional().describe('Why engines end, in one word.'),
    message: z.string().max(2048).optional().describe('What happened and what to do next.'),
    count: int32(0, 1_000_000).describe('Ends in a row for this reason.'),
    lastEnd: z.string().max(320).optional().describe('The last end that was counted: its time and its pod.'),
    retries: int32(0, 1_000_000).describe('How often engines were started again after being held.'),
    held: heldSchema.optional(),
  })
  .describe('What is remembered of engines that fail. Absent while none does and nothing was lowered.');

export type MemorySetting = (typeof MEMORY_SETTINGS)[number];
export type MemoryStep = z.infer<typeof memoryStepSchema>;
export type EngineFailures = z.infer<typeof engineFailuresSchema>;
