/** Documents whose every block of commands is run by `test/e2e/documents.test.ts`, unless the block says why not. */
export const GUIDES = [
  'README.md',
  'docs/install.md',
  'docs/trainers.md',
  'docs/students.md',
  'docs/operations.md',
  'docs/upgrades.md',
  'docs/troubleshooting.md',
  'docs/demo-cluster.md',
  'docs/gpu-nodes.md',
  'docs/zh/quick-start.md',
] as const;

export type Guide = (typeof GUIDES)[number];
