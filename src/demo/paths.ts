import { fileURLToPath } from 'node:url';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Files of a checkout that the demo and the tests start or read. */
export const CHECKOUT = {
  /** Folder of the plugin of kubectl. */
  plugin: fromRoot('bin'),
  crds: fromRoot('crds'),
  rbac: fromRoot('manifests/rbac.yaml'),
  operator: fromRoot('src/operator/main.ts'),
  demoOperator: fromRoot('src/demo/operator.ts'),
  gateway: fromRoot('src/gateway/main.ts'),
  demoGateway: fromRoot('src/demo/gateway.ts'),
  vllmSimulator: fromRoot('src/demo/vllm/main.ts'),
  demoNodes: fromRoot('manifests/demo-nodes/four-a10.yaml'),
} as const;
