import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { APP_NAME, LABELS } from '../src/api/labels.ts';
import type { KubeObject } from '../src/kube/object.ts';
import { SYSTEM_NAMESPACE } from '../src/rbac/accounts.ts';
import { documents } from './generated-files.ts';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Rendered from the chart, for those who have no Helm. */
export const INSTALL_MANIFEST = fromRoot('manifests/install.yaml');

/** Runs Helm and gives its standard output. */
export type RunHelm = (...args: string[]) => Promise<string>;

const texts = z.record(z.string(), z.string());
const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: texts.optional(), annotations: texts.optional() }),
});

const NOTICE = 'Rendered from charts/gpu-classroom by `npm run generate:install`: do not edit.';

/** What is true only of an object that Helm manages. */
const HELM_MARK = /^(helm\.sh\/.*|app\.kubernetes\.io\/managed-by)$/;

/**
 * The content of `manifests/install.yaml`: the chart with its defaults and without what only Helm understands, and the
 * namespace.
 */
export async function installManifest(helm: RunHelm): Promise<string> {
  const rendered = await helm(
    ...[
      'template',
      APP_NAME,
      fromRoot('charts/gpu-classroom'),
      `--namespace=${SYSTEM_NAMESPACE}`,
      '--skip-tests',
    ],
  );
  const objects = parseAllDocuments(rendered).flatMap((document): KubeObject[] => {
    const content: unknown = document.toJS();
    return content === null ? [] : [withoutHelm(objectSchema.parse(content))];
  });
  return `# ${NOTICE}\n${documents([namespace(), ...objects])}`;
}

function namespace(): KubeObject {
  const labels = { [LABELS.partOf]: APP_NAME, 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM_NAMESPACE, labels } };
}

function withoutHelm({ apiVersion, kind, metadata, ...rest }: z.infer<typeof objectSchema>): KubeObject {
  const { labels = {}, annotations = {}, ...identity } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      ...identity,
      ...unlessEmpty('labels', withoutMarks(labels)),
      ...unlessEmpty('annotations', withoutMarks(annotations)),
    },
    ...rest,
  };
}

function withoutMarks(marks: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(marks).filter(([name]) => !HELM_MARK.test(name)));
}

function unlessEmpty(field: string, marks: Record<string, string>) {
  return Object.keys(marks).length === 0 ? {} : { [field]: marks };
}
