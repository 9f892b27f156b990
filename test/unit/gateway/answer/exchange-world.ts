import { expect } from '@jest/globals';
import type { Admission } from '../../../../src/gateway/limits/admission.ts';
import type { Settlement } from '../../../../src/gateway/limits/settlement.ts';
import { eventually } from '../../../support/eventually.ts';
import { type Answer, startWorld, type World, type WorldOptions } from '../gateway-world.ts';
import { type EngineCall, type ScriptedEngine, startScriptedEngine } from '../scripted-engine.ts';

/** A gateway with engines that a test scripts, and all settlements that it made. */
export interface ExchangeWorld extends World {
  readonly engines: readonly ScriptedEngine[];
  readonly settled: readonly Settlement[];
  /** Waits until nothing runs, and gives the settlements. */
  whenIdle(): Promise<readonly Settlement[]>;
  close(): Promise<void>;
}

/** @param scripts one for each engine */
export async function startExchangeWorld(
  options: WorldOptions,
  ...scripts: ((call: EngineCall) => void)[]
): Promise<ExchangeWorld> {
  const engines = await Promise.all(scripts.map((script) => startScriptedEngine(script)));
  const settled: Settlement[] = [];
  const world = await startWorld({
    ...options,
    engines: [...(options.engines ?? []), ...engines.map(({ url }) => url)],
    admissionOver: (inner) => recording(options.admissionOver?.(inner) ?? inner, settled),
  });
  return {
    ...world,
    engines,
    settled,
    async whenIdle() {
      await eventually('nothing runs', () => world.gateway.requestsInFlight === 0);
      expect(world.gateway.engines.size.inFlight).toBe(0);
      expect(world.admission.running).toBe(0);
      return settled;
    },
    async close() {
      await world.stop();
      for (const engine of engines) await engine.close();
    },
  };
}

function recording(inner: Admission, settled: Settlement[]): Admission {
  return {
    admit: (seat, cost) => inner.admit(seat, cost),
    async settle(lease, settlement) {
      settled.push(settlement);
      await inner.settle(lease, settlement);
    },
    limitsOf: (seat) => inner.limitsOf(seat),
    get running() {
      return inner.running;
    },
  };
}

/** The error object of the one error event of a stream. */
export function errorIn({ text }: Answer) {
  const frames = text.split('\n\n').filter((frame) => frame.startsWith('data: {"error"'));
  expect(frames).toHaveLength(1);
  return JSON.parse(frames[0]?.replace('data: ', '') ?? '').error;
}
