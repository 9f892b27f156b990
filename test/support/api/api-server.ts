import { z } from 'zod';
import { classrooms } from '../../../src/api/classroom.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { KubeApiError } from '../../../src/kube/errors.ts';
import type { Kind } from './bound-cases.ts';

const plurals: Record<Kind, string> = { Classroom: classrooms.plural, StudentQuota: studentQuotas.plural };

const storedSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.record(z.string(), z.unknown()),
  status: z.record(z.string(), z.unknown()).optional(),
});
export type Stored = z.infer<typeof storedSchema>;

const detailsSchema = z.object({
  causes: z.array(z.object({ field: z.string(), message: z.string() })),
});

/** What the API server said about a submitted object. */
export interface Verdict {
  /** The object as it would be stored; absent when it was refused. */
  stored?: Stored;
  /** Why it was refused, field by field; empty when it was accepted. */
  causes: { field: string; message: string }[];
}

/**
 * Submits objects that no type describes, such as those that should be refused. Every method throws when the answer
 * is neither the object nor a refusal as invalid.
 */
export interface ApiServer {
  /** Server-side dry run: admission and validation as always, but nothing is stored. */
  dryRun(object: unknown): Promise<Verdict>;
  create(object: unknown): Promise<Verdict>;
  get(kind: Kind, name: string): Promise<Stored>;
  /** Replaces the object of this name; the current resourceVersion is filled in. */
  replace(object: unknown): Promise<Verdict>;
  /** Replaces the status of the object of this name; everything else in the object is ignored. */
  replaceStatus(object: unknown, options?: { dryRun: boolean }): Promise<Verdict>;
}

const submittedSchema = z.looseObject({
  kind: z.enum(['Classroom', 'StudentQuota']),
  metadata: z.looseObject({ name: z.string() }),
});

/** The API server that the client talks to; all objects go to one namespace. */
export function apiServer(client: KubeClient, namespace: string): ApiServer {
  const collection = (kind: Kind) => `/apis/${API_GROUP_VERSION}/namespaces/${namespace}/${plurals[kind]}`;
  const get = async (kind: Kind, name: string) =>
    storedSchema.parse(await client.raw('GET', `${collection(kind)}/${name}`));
  const put = async (object: unknown, suffix: string) => {
    const submitted = submittedSchema.parse(object);
    const { kind } = submitted;
    const { metadata } = await get(kind, submitted.metadata.name);
    const path = `${collection(kind)}/${metadata.name}${suffix}`;
    return verdict(client.raw('PUT', path, { body: { ...submitted, metadata } }));
  };
  const post = (object: unknown, query: string) => {
    const { kind } = submittedSchema.parse(object);
    return verdict(client.raw('POST', `${collection(kind)}${query}`, { body: object }));
  };
  return {
    get,
    create: (object) => post(object, ''),
    dryRun: (object) => post(object, '?dryRun=All'),
    replace: (object) => put(object, ''),
    replaceStatus: (object, options) => put(object, options?.dryRun ? '/status?dryRun=All' : '/status'),
  };
}

/** What the API server adds when bounds are broken; it is no cause. */
const NOT_CHECKED = /some validation rules were not checked because the object was invalid/;

async function verdict(answer: Promise<unknown>): Promise<Verdict> {
  try {
    return { stored: storedSchema.parse(await answer), causes: [] };
  } catch (error) {
    if (!(error instanceof KubeApiError) || error.reason !== 'Invalid') throw error;
    const { causes } = detailsSchema.parse(error.details);
    return { causes: causes.filter(({ message }) => !NOT_CHECKED.test(message)) };
  }
}
