import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readEngineFigures } from '../../../src/demo/engine-figures.ts';

const recorded = readFileSync(new URL('../../fixtures/vllm/0.32.0-cpu/metrics.txt', import.meta.url), 'utf8');

describe("An engine's figures", () => {
  test('are found in what a real vLLM answers on /metrics', () => {
    const figures = readEngineFigures(recorded);
    expect(figures).toEqual({
      running: expect.any(Number),
      waiting: expect.any(Number),
      generatedTokens: expect.any(Number),
    });
    expect(figures?.generatedTokens).toBeGreaterThan(0);
  });

  test('are not made up where the answer is something else', () => {
    expect(readEngineFigures('<html>not an engine</html>')).toBeUndefined();
  });
});
