import type { Classroom } from '../../../src/api/classroom.ts';
import type {
  KeyStatus,
  StudentQuota,
  StudentQuotaSpecInput,
  StudentQuotaStatus,
} from '../../../src/api/student-quota.ts';
import type { Secret } from '../../../src/kube/resources.ts';
import { generateApiKey, hashApiKey } from '../../../src/student/api-key.ts';
import type { KeyRecord } from '../../../src/student/key-record.ts';
import { seatSecret } from '../../../src/student/secret.ts';
import { classroom as sharedClassroom, studentQuota } from '../../support/builders.ts';

export const NAMESPACE = 'python-101';
export const BASE_URL = 'https://gateway.example/v1';
export const NOW = '2026-09-01T09:00:00Z';
export const NOW_MS = Date.parse(NOW);
export const MINUTE_MS = 60_000;

/** The n-th key of a test. */
export const apiKey = (n: number): string => generateApiKey(new Uint8Array(32).fill(n));
export const sha256 = (n: number): string => hashApiKey(apiKey(n));

export interface QuotaOptions {
  name?: string;
  uid?: string;
  created?: string;
  spec?: Partial<StudentQuotaSpecInput>;
  status?: StudentQuotaStatus;
}

/** Alice's seat, as the API server stores it. */
export function quota({
  name = 'alice',
  uid = `uid-of-${name}`,
  created = NOW,
  spec,
  status,
}: QuotaOptions = {}): StudentQuota {
  return studentQuota({
    metadata: { name, uid, generation: 1, creationTimestamp: created },
    spec: { student: { id: name }, ...spec },
    ...(status && { status }),
  });
}

/** Alice's class. */
export function classroom(model: { id?: string; servedName?: string } = { servedName: 'qwen' }): Classroom {
  return sharedClassroom({ metadata: { uid: 'uid-of-class', generation: 1 }, spec: { model } });
}

/** Alice's class in an exam that began half an hour ago. */
export function inExam(began = '2026-09-01T08:30:00Z'): Classroom {
  const { spec, ...rest } = classroom();
  const exam = { students: [], maxOutputTokens: 512, allowAdapters: false, allowTools: false };
  return {
    ...rest,
    spec: { ...spec, access: 'Exam', exam },
    status: { access: { mode: 'Exam', changedTime: began } },
  };
}

/** The record of the n-th key. */
export function record(n: number, differing: Partial<KeyRecord> = {}): KeyRecord {
  return { generation: 1, sha256: sha256(n), createdTime: NOW, cause: 'First', previous: [], ...differing };
}

/** What the status lists of the n-th key. */
export function listed(n: number, differing: Partial<KeyStatus> = {}): KeyStatus {
  return { generation: 1, sha256: sha256(n), createdTime: NOW, ...differing };
}

/** Alice's Secret with the n-th key. */
export function secret(n: number, differing: Partial<KeyRecord> = {}, owner = quota()): Secret {
  return seatSecret(
    owner,
    { apiKey: apiKey(n), baseURL: BASE_URL, model: 'qwen' },
    record(n, differing),
    undefined,
  );
}

export function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
