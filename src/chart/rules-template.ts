import { stringify } from 'yaml';
import { rulesOf } from '../rbac/manifest.ts';
import { PEOPLE_ROLES } from '../rbac/people.ts';
import {
  GATEWAY_RIGHTS,
  LEADER_LEASE,
  NODE_PREPARATION_RIGHTS,
  OPERATOR_RIGHTS,
  type Right,
} from '../rbac/rights.ts';
import { TEMPLATE_NOTICE } from './notice.ts';

/** Stands for a name that depends on the release until templates are in place of it. */
const LEASE_TEMPLATE = '{{ include "gpu-classroom.operator.name" . }}';
/** The nodes that may be changed, where they are named. */
const NODES_TEMPLATE = [
  '  {{- with .Values.rbac.nodePreparation.nodes }}',
  '  resourceNames:',
  '    {{- toYaml . | nindent 4 }}',
  '  {{- end }}',
].join('\n');

/** `templates/_rules.tpl`: the tables of rights as templates of rules, which the hand-written roles include. */
export function rulesTemplate(): string {
  const [classes, cluster, own] = (['Classes', 'Cluster', 'Own'] as const).map((scope) =>
    OPERATOR_RIGHTS.filter((right) => right.scope === scope),
  );
  return [
    TEMPLATE_NOTICE,
    rules('operator.classes', classes ?? []),
    rules('operator.cluster', cluster ?? []),
    rules('operator.own', own ?? []),
    rules('gateway.classes', GATEWAY_RIGHTS),
    rules('operator.nodePreparation', NODE_PREPARATION_RIGHTS, (right) => right.verbs.includes('patch')),
    ...PEOPLE_ROLES.map(({ name, rights }) => rules(`people.${name}`, rights)),
  ].join('\n');
}

/** @param isForNamedNodes whether a right can be narrowed to some nodes by values */
function rules(
  name: string,
  rights: readonly Right[],
  isForNamedNodes: (right: Right) => boolean = () => false,
): string {
  const texts = rights.map((right) => {
    const text = stringify(rulesOf([right]), { lineWidth: 0 })
      .trimEnd()
      .replaceAll(LEADER_LEASE, LEASE_TEMPLATE);
    return isForNamedNodes(right) ? `${text}\n${NODES_TEMPLATE}` : text;
  });
  return [`{{- define "gpu-classroom.rules.${name}" -}}`, ...texts, '{{- end }}', ''].join('\n');
}
