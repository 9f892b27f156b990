import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { hasErrorCode } from '../process/error-code.ts';

/** A write that the API server answered, whether it succeeded or was refused. */
export interface AuditedWrite {
  readonly at: Date;
  readonly user: string;
  readonly userAgent: string;
  readonly verb: string;
  readonly apiGroup: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** HTTP status. */
  readonly code: number;
}

const WRITE_VERBS = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** Who wrote what, without bodies: they would hold Secrets. https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ */
export function auditPolicy(): string {
  return stringify({
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived', 'ResponseStarted'],
    rules: [{ level: 'Metadata', verbs: WRITE_VERBS }, { level: 'None' }],
  });
}

const auditEventSchema = z
  .object({
    stageTimestamp: z.string(),
    verb: z.string(),
    user: z.object({ username: z.string() }),
    userAgent: z.string().default(''),
    objectRef: z
      .object({
        apiGroup: z.string().default(''),
        resource: z.string().default(''),
        subresource: z.string().default(''),
        namespace: z.string().default(''),
        name: z.string().default(''),
      })
      .prefault({}),
    responseStatus: z.object({ code: z.int().default(0) }).prefault({}),
  })
  .transform(
    ({ stageTimestamp, verb, user, userAgent, objectRef, responseStatus }): AuditedWrite => ({
      at: new Date(stageTimestamp),
      user: user.username,
      userAgent,
      verb,
      ...objectRef,
      code: responseStatus.code,
    }),
  );

/** Reads the writes of an audit log, oldest first. Text after the last newline is a line still being written. */
export function parseAuditLog(text: string): AuditedWrite[] {
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => auditEventSchema.parse(JSON.parse(line)));
}

/** All writes so far; empty before the first, when the file is not there yet. */
export async function readAuditLog(path: string): Promise<AuditedWrite[]> {
  try {
    return parseAuditLog(await readFile(path, 'utf8'));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
