import { API_GROUP_VERSION } from '../api/group.ts';
import { APP_NAME, COMPONENTS, LABELS, MANAGED_BY } from '../api/labels.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import type { Secret } from '../kube/resources.ts';
import { KEY_RECORD_ANNOTATION, type KeyRecord, writeKeyRecord } from './key-record.ts';

const NAME_SUFFIX = '-api-key';

/** The names under which OpenAI's own clients look for these in the environment: the Secret is ready for `envFrom`. */
export const SECRET_KEYS = {
  apiKey: 'OPENAI_API_KEY',
  baseURL: 'OPENAI_BASE_URL',
  model: 'OPENAI_MODEL',
} as const;

/** What students set in their OpenAI client. */
export interface ClientSettings {
  apiKey: string;
  baseURL: string;
  model: string;
}

export function secretNameOf(studentQuota: string): string {
  return studentQuota + NAME_SUFFIX;
}

/** The inverse of {@link secretNameOf}; undefined for any other name. */
export function studentQuotaOfSecret(secret: string): string | undefined {
  return secret.endsWith(NAME_SUFFIX) ? secret.slice(0, -NAME_SUFFIX.length) : undefined;
}

/**
 * The Secret of a seat, whole: what the operator wants there. It carries the resource version of the `observed` one,
 * so that the API server refuses it (409) when somebody changed the Secret since: nothing is overwritten unseen.
 */
export function seatSecret(
  quota: StudentQuota,
  settings: ClientSettings,
  record: KeyRecord,
  observed: Secret | undefined,
): Secret {
  const { name, namespace, uid } = quota.metadata;
  const resourceVersion = observed?.metadata.resourceVersion;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretNameOf(name),
      ...(namespace !== undefined && { namespace }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      labels: {
        [LABELS.name]: APP_NAME,
        [LABELS.instance]: quota.spec.classroomRef.name,
        [LABELS.component]: COMPONENTS.apiKey,
        [LABELS.partOf]: APP_NAME,
        [LABELS.managedBy]: MANAGED_BY,
        [LABELS.classroom]: quota.spec.classroomRef.name,
        [LABELS.student]: name,
      },
      annotations: { [KEY_RECORD_ANNOTATION]: writeKeyRecord(record) },
      ownerReferences: [
        {
          apiVersion: API_GROUP_VERSION,
          kind: 'StudentQuota',
          name,
          uid: uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    type: 'Opaque',
    data: {
      [SECRET_KEYS.apiKey]: encode(settings.apiKey),
      [SECRET_KEYS.baseURL]: encode(settings.baseURL),
      [SECRET_KEYS.model]: encode(settings.model),
    },
  };
}

/** The plaintext in a Secret, or undefined when the entry is missing. */
export function apiKeyIn(secret: Secret): string | undefined {
  return textIn(secret, SECRET_KEYS.apiKey);
}

/** All that a Secret says to a student; undefined when an entry is missing. */
export function clientSettingsIn(secret: Secret): ClientSettings | undefined {
  const apiKey = apiKeyIn(secret);
  const baseURL = textIn(secret, SECRET_KEYS.baseURL);
  const model = textIn(secret, SECRET_KEYS.model);
  return apiKey === undefined || baseURL === undefined || model === undefined
    ? undefined
    : { apiKey, baseURL, model };
}

function textIn({ data }: Secret, name: string): string | undefined {
  const encoded = data?.[name];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
