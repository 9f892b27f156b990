import {
  DEFAULT_ENGINE_REQUESTS,
  ENGINE_RESOURCES,
  type EngineResource,
  type EngineResources,
} from '../../api/engine-resources.ts';
import { canonicalQuantity } from '../../kube/quantity.ts';
import type { PodTemplate } from '../rollout/rolled-out.ts';

type Container = NonNullable<PodTemplate['spec']>['containers'][number];

/** What an engine asks of its node, the amounts spelled in one way: another spelling restarts no engine. */
export function containerResources(
  { requests = {}, limits = {} }: EngineResources,
  gpus: Readonly<Record<string, string>>,
): NonNullable<Container['resources']> {
  return {
    requests: amountsOf((name) => requests[name] ?? limits[name] ?? DEFAULT_ENGINE_REQUESTS[name]),
    limits: { ...gpus, ...amountsOf((name) => limits[name]) },
  };
}

function amountsOf(amountOf: (name: EngineResource) => string | number | undefined): Record<string, string> {
  return Object.fromEntries(
    ENGINE_RESOURCES.flatMap((name) => {
      const amount = amountOf(name);
      const unit = name === 'cpu' ? 'Cores' : 'Bytes';
      return amount === undefined ? [] : [[name, canonicalQuantity(String(amount), unit)] as const];
    }),
  );
}
