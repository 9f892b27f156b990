import type { Classroom } from '../../api/classroom.ts';
import { COMPONENTS } from '../../api/labels.ts';
import type { Secret } from '../../kube/resources.ts';
import { KEY_RECORD_ANNOTATION, type KeyRecord, writeKeyRecord } from '../../student/key-record.ts';
import { ownedMetadata } from '../children/metadata.ts';

const NAME_SUFFIX = '-report-key';

/** Not the name that OpenAI's clients look for: the key opens nothing that they ask for. */
const KEY_ENTRY = 'REPORT_KEY';

export function reportKeySecretName(classroom: string): string {
  return classroom + NAME_SUFFIX;
}

/** The inverse of {@link reportKeySecretName}; undefined for any other name. */
export function classroomOfReportKeySecret(secret: string): string | undefined {
  return secret.endsWith(NAME_SUFFIX) ? secret.slice(0, -NAME_SUFFIX.length) : undefined;
}

/**
 * The Secret of a class's report key, whole. It carries the resource version of the `observed` one, so that nothing is
 * overwritten unseen.
 */
export function reportKeySecret(
  classroom: Classroom,
  key: string,
  record: KeyRecord,
  observed: Secret | undefined,
): Secret {
  const { name } = classroom.metadata;
  const resourceVersion = observed?.metadata.resourceVersion;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...ownedMetadata(classroom, reportKeySecretName(name), COMPONENTS.reportKey),
      ...(resourceVersion !== undefined && { resourceVersion }),
      annotations: { [KEY_RECORD_ANNOTATION]: writeKeyRecord(record) },
    },
    type: 'Opaque',
    data: { [KEY_ENTRY]: Buffer.from(key, 'utf8').toString('base64') },
  };
}

/** The plaintext in a Secret, or undefined when the entry is missing. */
export function reportKeyIn({ data }: Secret): string | undefined {
  const encoded = data?.[KEY_ENTRY];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
}
