import { describe, expect, test } from '@jest/globals';
import { COMPONENTS, ENGINE_PORT, LABELS } from '../../../../src/api/labels.ts';
import type { ObservedClass } from '../../../../src/classroom/observe.ts';
import { plan } from '../../../../src/classroom/plan.ts';
import type { Deployment, NetworkPolicy, Pod } from '../../../../src/kube/resources.ts';
import { classroom } from '../../../support/builders.ts';
import { observedClass, readyPod, settings } from '../../../support/classroom.ts';
import { mayConnect, type Source } from '../../../support/network-policy.ts';

const MONITORING = { namespace: 'monitoring', podLabels: { 'app.kubernetes.io/name': 'prometheus' } };

/** The policy and the pod as the operator renders them. */
function rendered(
  prometheusPeer = undefined as typeof MONITORING | undefined,
  observed: Partial<ObservedClass> = {},
) {
  const result = plan(
    observedClass({ classroom: classroom(), ...observed }),
    settings({ prometheusPeer }),
    0,
  );
  if (result.kind === 'withheld') throw new Error(result.refusal.message);
  const policy = result.foundations.find(({ object }) => object.kind === 'NetworkPolicy')?.object;
  const template = result.engines?.rolledOut.template;
  const engine: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'engine',
      namespace: 'python-101',
      labels: template?.metadata?.labels ?? {},
    },
    ...(template?.spec === undefined ? {} : { spec: template.spec }),
  };
  return { policies: [policy as NetworkPolicy], engine, deployment: result.deployment?.object as Deployment };
}

function pod(namespace: string, podLabels: Record<string, string>): Source {
  return { namespace, podLabels, namespaceLabels: { 'kubernetes.io/metadata.name': namespace } };
}

const ours = (component: string) => ({
  [LABELS.name]: 'gpu-classroom',
  [LABELS.component]: component,
});

const GATEWAY = pod('gpu-classroom', ours(COMPONENTS.gateway));
const OPERATOR = pod('gpu-classroom', ours(COMPONENTS.operator));
const PROMETHEUS = pod(MONITORING.namespace, MONITORING.podLabels);

describe('the port of an engine, which asks for no key', () => {
  const { policies, engine } = rendered();

  test.each([
    { who: 'the gateway', source: GATEWAY, want: true },
    { who: 'the operator', source: OPERATOR, want: true },
    { who: 'a pod in the namespace of the gateway', source: pod('gpu-classroom', {}), want: false },
    { who: "a student's notebook in the class", source: pod('python-101', { app: 'jupyter' }), want: false },
    {
      who: 'a pod in the class that calls itself the gateway',
      source: pod('python-101', ours(COMPONENTS.gateway)),
      want: false,
    },
    { who: 'another engine of the class', source: pod('python-101', ours(COMPONENTS.engine)), want: false },
    {
      who: 'the gateway of somebody else in another namespace',
      source: pod('elsewhere', ours(COMPONENTS.gateway)),
      want: false,
    },
    { who: 'monitoring that nobody named', source: PROMETHEUS, want: false },
  ])('$who: $want', ({ source, want }) => {
    expect(mayConnect(policies, source, engine, ENGINE_PORT)).toBe(want);
  });

  test('is the only port that even the gateway reaches', () => {
    for (const port of [22, 5005, 8001, 29_500]) {
      expect(mayConnect(policies, GATEWAY, engine, port)).toBe(false);
    }
  });

  test('is open to monitoring where it is named', () => {
    const named = rendered(MONITORING);
    expect(mayConnect(named.policies, PROMETHEUS, named.engine, ENGINE_PORT)).toBe(true);
    expect(mayConnect(named.policies, pod('monitoring', {}), named.engine, ENGINE_PORT)).toBe(false);
  });

  test('would be open to all without the policy: the evaluator is not what keeps them out', () => {
    expect(mayConnect([], pod('python-101', {}), engine, ENGINE_PORT)).toBe(true);
  });
});

test('an engine reaches names and HTTPS, and nothing else', () => {
  const { policies } = rendered();
  expect(policies[0]?.spec?.egress?.map(({ to }) => to)).toEqual([undefined, undefined]);
  expect(outgoing(policies)).toEqual(['UDP 53', 'TCP 53', 'TCP 443']);
});

const behindProxy = classroom({
  spec: { engine: { env: [{ name: 'HTTPS_PROXY', value: 'http://proxy.school.example:3128' }] } },
});

test('an engine behind a proxy reaches its port too', () => {
  const { policies } = rendered(undefined, { classroom: behindProxy });
  expect(outgoing(policies)).toEqual(['UDP 53', 'TCP 53', 'TCP 443', 'TCP 3128']);
});

test('engines that run keep their way out for as long as they run', () => {
  const { deployment } = rendered(undefined, { classroom: behindProxy });
  const pods = [readyPod('python-101-engine-a')];
  const { policies } = rendered(undefined, { deployment, pods, activity: { kind: 'busy' } });
  expect(outgoing(policies)).toContain('TCP 3128');
  const idle = rendered(undefined, { deployment, pods: [] });
  expect(outgoing(idle.policies)).not.toContain('TCP 3128');
});

function outgoing([policy]: readonly NetworkPolicy[]): string[] {
  const egress = policy?.spec?.egress ?? [];
  return egress.flatMap(({ ports }) => (ports ?? []).map(({ port, protocol }) => `${protocol} ${port}`));
}
