/**
 * Four projects: `unit` needs nothing, `integration` a real API server, `e2e` a whole cluster. `vllm` needs an installed
 * vLLM as well, and only `npm run test:vllm` runs it.
 * Jest runs as ES modules (`node --experimental-vm-modules`), so `jest.mock` is not hoisted: inject, do not mock.
 */
const shared = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'esnext',
          parser: { syntax: 'typescript' },
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/'],
};

/** @type {import('jest').Config} */
export default {
  // Made for two processors: tests on clusters wait for half of their time, and the third worker has use for it.
  maxWorkers: 3,
  // For a condition that never comes true; a passing test takes what it takes.
  testTimeout: 180_000,
  reporters: ['default', 'summary', '<rootDir>/test/support/summary-reporter.js'],
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/unit/**/*.test.ts', '<rootDir>/test/golden/**/*.test.ts'],
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/integration-setup.ts',
      globalTeardown: '<rootDir>/test/support/integration-teardown.ts',
    },
    { ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'] },
    { ...shared, displayName: 'vllm', testMatch: ['<rootDir>/test/vllm/**/*.test.ts'] },
  ],
};
