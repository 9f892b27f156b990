import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { customResourceDefinitions } from '../src/api/crd.ts';
import { apiReference } from '../src/api/reference.ts';
import { CHART_TABLES, chartFiles } from '../src/chart/files.ts';
import { SETTINGS_OF_THE_CHART } from '../src/chart/gateway-settings.ts';
import { failuresInShort, failuresReference } from '../src/classroom/failures/reference.ts';
import { cliReference } from '../src/cli/reference.ts';
import { metricsReference } from '../src/gateway/metrics-reference.ts';
import { requestReference } from '../src/gateway/request/reference.ts';
import { settingsReference } from '../src/gateway/settings-reference.ts';
import { gpuReference } from '../src/gpu/reference.ts';
import type { KubeObject } from '../src/kube/object.ts';
import { monitoringReference } from '../src/monitoring/reference.ts';
import { NAMESPACE_PLACEHOLDER, nodePreparationObjects, rbacObjects } from '../src/rbac/manifest.ts';
import { installerTable, rbacReference } from '../src/rbac/reference.ts';
import { fillTemplate } from './fill-template.ts';

/** A file of this repository that is made from the sources. */
export interface GeneratedFile {
  /** Relative to the root of the repository. */
  path: string;
  /** The whole content; pure. */
  render: () => string;
}

/** All generated files: add an entry, and `npm run generate` writes it and the drift test guards it. */
export const generatedFiles: readonly GeneratedFile[] = [
  ...customResourceDefinitions().map((crd) => ({
    path: `crds/${crd.spec.group}_${crd.spec.names.plural}.yaml`,
    render: () => manifest(crd),
  })),
  { path: 'manifests/rbac.yaml', render: () => manifest(...rbacObjects()) },
  {
    path: 'manifests/rbac-one-namespace.yaml',
    render: () => manifest(...rbacObjects({ watchNamespace: NAMESPACE_PLACEHOLDER })),
  },
  { path: 'manifests/rbac-node-preparation.yaml', render: () => manifest(...nodePreparationObjects()) },
  ...chartFiles(),
  {
    path: 'charts/gpu-classroom/README.md',
    render: () =>
      fillTemplate('chart-gpu-classroom.md', {
        values: CHART_TABLES.gpuClassroom(),
        'installer-rights': installerTable(),
        'chart-settings': SETTINGS_OF_THE_CHART.map((name) => `\`${name}\``).join(', '),
      }),
  },
  {
    path: 'charts/classroom/README.md',
    render: () =>
      fillTemplate('chart-classroom.md', {
        values: CHART_TABLES.classroom(),
        example: fileOfRepository('charts/classroom/examples/python-101.yaml'),
      }),
  },
  { path: 'docs/engine-failures.md', render: failuresReference },
  { path: 'docs/rbac.md', render: rbacReference },
  { path: 'docs/gateway-requests.md', render: requestReference },
  { path: 'docs/gateway-settings.md', render: settingsReference },
  { path: 'docs/gateway-metrics.md', render: metricsReference },
  { path: 'docs/monitoring.md', render: monitoringReference },
  { path: 'docs/cli.md', render: () => fillTemplate('cli.md', cliReference(fileOfRepository)) },
  {
    path: 'docs/troubleshooting.md',
    render: () => fillTemplate('troubleshooting.md', { 'engine-failures': failuresInShort() }),
  },
  { path: 'docs/gpus.md', render: () => fillTemplate('gpus.md', gpuReference()) },
  { path: 'docs/api.md', render: () => apiReference(customResourceDefinitions()) },
];

const NOTICE = 'Generated from src/ by `npm run generate`: do not edit.';

function fileOfRepository(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
}

/** Kubernetes objects as YAML documents, one line for each text, so that a change shows as a short difference. */
export function manifest(...objects: KubeObject[]): string {
  return `# ${NOTICE}\n${documents(objects)}`;
}

/** The same without a first line that says where it comes from. */
export function documents(objects: readonly KubeObject[]): string {
  return objects
    .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
}
