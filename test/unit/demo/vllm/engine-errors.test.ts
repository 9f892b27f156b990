import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ENGINE_LOG, LOGGING_ANNOTATION } from '../../../../src/classroom/failures/engine-log.ts';
import {
  type SimulatorStart,
  startVllmSimulator,
  VllmSimulator,
} from '../../../../src/demo/vllm/simulator.ts';

let folder: string;
let said: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'engine-errors-'));
  said = join(folder, 'said');
  writeFileSync(said, '');
  writeFileSync(join(folder, 'logging.json'), ENGINE_LOG.annotations[LOGGING_ANNOTATION]);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Started as in a pod that has our logging configuration. */
function start(settings: object = {}): SimulatorStart {
  const mounts = [
    { mountPath: '/etc/gpu-classroom', folder },
    { mountPath: '/dev/termination-log', folder: said },
  ];
  return {
    argv: ['m', '--max-model-len', '4096', '--port', '0', '--host', '127.0.0.1'],
    env: {
      [ENGINE_LOG.env.name]: ENGINE_LOG.env.value,
      VLLM_SIMULATOR: JSON.stringify({ loadSeconds: 0, mounts, ...settings }),
    },
  };
}

describe('with the logging configuration of an engine’s pod', () => {
  test('a start that fails leaves its cause', async () => {
    const starting = startVllmSimulator(start({ failures: { start: 'CudaOutOfMemory' } }));
    await expect(starting).rejects.toThrow('CUDA out of memory');
    expect(readFileSync(said, 'utf8')).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} EngineCore failed to start\.\nTraceback[\s\S]*\ntorch\.OutOfMemoryError: CUDA out of memory/,
    );
  });

  test('an engine that dies while it serves leaves its cause', async () => {
    const simulator = await startVllmSimulator(start());
    simulator.killEngine('torch.OutOfMemoryError: CUDA out of memory');
    expect(await simulator.exited).toMatchObject({ code: 0 });
    expect(readFileSync(said, 'utf8')).toContain('EngineCore encountered a fatal error.\nTraceback');
  });

  test('an engine that serves leaves nothing', async () => {
    const simulator = await startVllmSimulator(start());
    await simulator.close();
    expect(readFileSync(said, 'utf8')).toBe('');
  });
});

test('a configuration that is not there keeps it from starting', () => {
  rmSync(join(folder, 'logging.json'));
  expect(() => new VllmSimulator(start())).toThrow('Could not load logging config. File does not exist');
});
