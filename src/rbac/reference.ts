import { INSTALLER_RIGHTS } from './installer.ts';
import { PEOPLE_ROLES, type PeopleRole } from './people.ts';
import { GATEWAY_RIGHTS, NODE_PREPARATION_RIGHTS, OPERATOR_RIGHTS, type Right } from './rights.ts';

/** `docs/rbac.md`: the table of rights for people. */
export function rbacReference(): string {
  return [
    '<!-- Generated from src/ by `npm run generate`: do not edit. -->',
    '# Rights of operator and gateway',
    '',
    'These are all the rights that the two processes have. `manifests/rbac.yaml` is generated from the same table,',
    'and a test fails when one of them is not used, or when a request is refused for want of one.',
    'What protects what is in [security.md](security.md).',
    '',
    '"Classes" are the namespaces that may have classes: all, or the one given by `--namespace`.',
    '"Own" is the namespace of the process itself.',
    '"Cluster" is what lies outside of namespaces; `manifests/rbac-one-namespace.yaml` leaves it out, and the operator',
    'then says of GPUs only what the spec of a class says ([gpu-nodes.md](gpu-nodes.md)).',
    '',
    ...section('Operator', OPERATOR_RIGHTS),
    ...section('Gateway', GATEWAY_RIGHTS),
    ...section('Operator, where it may change nodes', NODE_PREPARATION_RIGHTS),
    'These are not part of the installation: `manifests/rbac-node-preparation.yaml` gives them to the operator, for classes',
    'with `gpu.nodePreparation: Manage` ([node-preparation.md](node-preparation.md)). In the chart it is',
    '`rbac.nodePreparation.enabled`.',
    '',
    '## Rights of people',
    '',
    'The chart makes a ClusterRole for each, called `<name of the release>-<role>`, to be bound in the namespaces of their',
    "classes, and adds it to a role of Kubernetes' own (`rbac.roles`).",
    '',
    ...PEOPLE_ROLES.flatMap(people),
  ].join('\n');
}

/** What it takes to install the chart, for its README. */
export function installerTable(): string {
  const where = {
    Own: 'the namespace of the release',
    Cluster: 'the cluster',
    Classes: 'the namespaces of classes',
  };
  return [
    '| API group | resource | verbs | in | what for |',
    '|---|---|---|---|---|',
    ...INSTALLER_RIGHTS.map((right) => row(right, where[right.scope])),
  ].join('\n');
}

function people({ name, aggregateTo, about, rights }: PeopleRole): string[] {
  const [heading = '', ...rest] = section(name, rights);
  return [`#${heading}`, '', `${about} Added to \`${aggregateTo}\`.`, ...rest];
}

function section(title: string, rights: readonly Right[]): string[] {
  return [
    `## ${title}`,
    '',
    '| API group | resource | verbs | where | what for |',
    '|---|---|---|---|---|',
    ...rights.map((right) => row(right, right.scope)),
    '',
  ];
}

function row({ apiGroup, resource, resourceNames, verbs, why }: Right, where: string): string {
  const group = apiGroup === '' ? 'core' : `\`${apiGroup}\``;
  const names =
    resourceNames === undefined ? '' : ` named ${resourceNames.map((name) => `\`${name}\``).join(', ')}`;
  return `| ${group} | \`${resource}\`${names} | ${verbs.join(', ')} | ${where} | ${why} |`;
}
