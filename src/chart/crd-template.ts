import { stringify } from 'yaml';
import type { CustomResourceDefinition } from '../api/crd.ts';
import { TEMPLATE_NOTICE } from './notice.ts';

/**
 * A CRD as a template. Helm never upgrades what is in the folder `crds/` of a chart, so they are templates, behind
 * values that say whether they are installed and whether they stay.
 *
 * @see https://helm.sh/docs/chart_best_practices/custom_resource_definitions/
 */
export function crdTemplate({ metadata, ...crd }: CustomResourceDefinition): string {
  const { apiVersion, kind, spec } = crd;
  return [
    TEMPLATE_NOTICE,
    '{{- if .Values.crds.install }}',
    yaml({ apiVersion, kind }),
    'metadata:',
    `  name: ${metadata.name}`,
    '  labels:',
    '    {{- include "gpu-classroom.labels" (dict "root" $ "component" "") | nindent 4 }}',
    '  {{- if .Values.crds.keep }}',
    '  annotations:',
    '    helm.sh/resource-policy: keep',
    '  {{- end }}',
    yaml({ spec }),
    '{{- end }}',
    '',
  ].join('\n');
}

/** Braces of a description or rule must not pass for those of a template. */
function yaml(content: object): string {
  return stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .replaceAll('{{', '{{ "{{" }}');
}
