import { z } from 'zod';
import type { KubeObject, Resource } from '../kube/object.ts';
import { dnsLabel, dnsSubdomain, instant, int32, int64, listBy, sha256, text } from './bounds.ts';
import { rule } from './cel.ts';
import { conditionSchema } from './condition.ts';
import { API_GROUP, API_VERSION } from './group.ts';
import { boostSchema, studentLimitsOverrideSchema } from './limits.ts';

/** A label value, and with the suffix of its Secret still well within an object's name. */
export const STUDENT_QUOTA_NAME_MAX = 63;

const studentSchema = z
  .object({
    id: text(63)
      .regex(/^[A-Za-z0-9]([-A-Za-z0-9_.@]*[A-Za-z0-9])?$/)
      .describe('Identifies the student in reports and logs, such as alice.'),
    displayName: text(128).optional().describe('Name for people.'),
    group: text(63).optional().describe('Group within the class, for reports.'),
  })
  .meta({
    'x-kubernetes-validations': [
      rule(
        'self.id == oldSelf.id',
        '`student.id` must not change: make another StudentQuota for another student',
        'FieldValueForbidden',
        '.id',
      ),
    ],
  })
  .describe('Whose seat this is.');

export const studentQuotaSpecSchema = z
  .object({
    classroomRef: z
      .object({ name: dnsLabel().describe('Name of a Classroom in the same namespace.') })
      .meta({
        'x-kubernetes-validations': [
          rule(
            'self.name == oldSelf.name',
            '`classroomRef` must not change: make another StudentQuota for another class',
            'FieldValueForbidden',
            '.name',
          ),
        ],
      })
      .describe('The class.'),
    student: studentSchema,
    limits: studentLimitsOverrideSchema.optional(),
    weight: int32(1, 100).default(1).describe('Share in the fair queue, compared with the other students.'),
    access: z
      .enum(['Active', 'Suspended'])
      .default('Active')
      .describe('Suspended: the key is refused until Active again.'),
    expiresAt: instant().optional().describe('When the seat ends.'),
    boost: boostSchema.optional(),
    keyRotation: z
      .object({
        generation: int32(1, 1_000_000).default(1).describe('A higher number makes a new key.'),
        overlapMinutes: int32(0, 10_080)
          .default(60)
          .describe('How long the old key still works after a rotation.'),
      })
      .prefault({})
      .meta({
        'x-kubernetes-validations': [
          rule(
            'self.generation >= oldSelf.generation',
            '`generation` must not decrease: keys are only ever replaced by newer ones',
            'FieldValueInvalid',
            '.generation',
          ),
        ],
      })
      .describe('Replacing the key.'),
  })
  .describe('The seat, and what differs from the class.');

/** The key and the replaced ones whose overlap still runs. */
export const KEYS_MAX = 8;

export const keyStatusSchema = z.object({
  generation: int32(1, 1_000_000).describe('The rotation that made this key.'),
  sha256: sha256().describe('SHA-256 of the key in hexadecimal; the key itself is only in the Secret.'),
  createdTime: instant().describe('When the key was made.'),
  expiresTime: instant().optional().describe('When a replaced key stops working.'),
});

const usageSchema = z
  .object({
    asOf: instant().describe('When these figures were written.'),
    requestsToday: int64(0).describe('Requests answered today.'),
    tokensToday: int64(0).describe('Tokens used today, prompt and completion together.'),
    tokensTotal: int64(0).describe('Tokens used so far.'),
  })
  .describe('Written by the gateway, at most once a minute.');

const quotaWarningSchema = z.object({
  budget: z.enum(['Day', 'Course']).describe('Day: `tokensPerDay`. Course: `tokensTotal`.'),
  level: z
    .enum(['NearlyUsed', 'UsedUp'])
    .describe('NearlyUsed: at least 80 % of it was used. UsedUp: all of it.'),
  limit: int64(1).describe('The limit as it is written, without a boost: of another one is told anew.'),
  day: z.iso
    .date()
    .max(10)
    .optional()
    .describe("Of `Day` the date in the class's time zone: of another one is told anew."),
});

export const studentQuotaStatusSchema = z
  .object({
    conditions: listBy('type', conditionSchema, { max: 32 })
      .optional()
      .describe('The state of the seat, aspect by aspect; `Ready` sums it up.'),
    observedGeneration: int64(0)
      .optional()
      .describe('The generation of the spec that this status describes.'),
    secretName: dnsSubdomain()
      .optional()
      .describe('The Secret with OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL.'),
    keys: z
      .array(keyStatusSchema)
      .max(KEYS_MAX)
      // Atomic, so that the operator owns the list as a whole and a hash slipped in by another writer does not stay.
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional()
      .describe('Hashes of the keys that the gateway accepts.'),
    usage: usageSchema.optional(),
    quotaWarnings: listBy('budget', quotaWarningSchema, { max: 2 })
      .optional()
      .describe('Budgets of tokens of which an event has told that they are nearly or wholly used.'),
  })
  .describe('What the operator and the gateway observed; written by them alone.');

export type StudentQuotaSpec = z.infer<typeof studentQuotaSpecSchema>;
/** A spec as a person writes it: defaults may be absent. */
export type StudentQuotaSpecInput = z.input<typeof studentQuotaSpecSchema>;
export type StudentQuotaStatus = z.infer<typeof studentQuotaStatusSchema>;
export type KeyStatus = z.infer<typeof keyStatusSchema>;
export type QuotaWarning = z.infer<typeof quotaWarningSchema>;

export interface StudentQuota extends KubeObject {
  spec: StudentQuotaSpec;
  status?: StudentQuotaStatus;
}

export const studentQuotas: Resource<StudentQuota> = {
  group: API_GROUP,
  version: API_VERSION,
  kind: 'StudentQuota',
  plural: 'studentquotas',
  namespaced: true,
};

/** Schema of `metadata.name`, also a CEL rule of the CRD. */
export const studentQuotaNameSchema = dnsLabel(STUDENT_QUOTA_NAME_MAX);
