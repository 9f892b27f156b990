import { describe, expect, test } from '@jest/globals';
import {
  answered,
  type Circuit,
  CLOSED,
  type EngineFault,
  type Failure,
  failed,
  probed,
  probeFailed,
} from '../../../../src/gateway/engines/circuit.ts';

const by = (student: string, fault: EngineFault = 'failed'): Failure => ({ fault, student });
const out = (circuit: Circuit): boolean => circuit.probeAtMs !== undefined;

describe('a circuit', () => {
  test('probes after 1 s, then after twice as long each time, at most 5 s', () => {
    let circuit = failed(CLOSED, by('alice', 'unreachable'), 0, 0);
    const waits = [circuit.probeAtMs];
    for (let i = 0; i < 6; i++) {
      circuit = probeFailed(circuit, 0, 0);
      waits.push(circuit.probeAtMs);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000]);
  });

  test('chance takes off up to a half, so that gateways do not probe in step', () => {
    expect(failed(CLOSED, by('alice', 'unreachable'), 5_000, 0.5).probeAtMs).toBe(5_750);
    expect(failed(CLOSED, by('alice', 'unreachable'), 5_000, 0.999).probeAtMs).toBeGreaterThan(5_500);
  });

  test('an engine that shuts down answers probes: the first failure after one sends it out for longer', () => {
    const trial = probed(failed(CLOSED, by('alice', 'unreachable'), 0, 0));
    expect(out(trial)).toBe(false);
    const again = failed(trial, by('alice', 'failed'), 10_000, 0);
    expect(again.probeAtMs).toBe(12_000);
  });

  test('an answer ends the trial and forgets the failures', () => {
    const trial = probed(failed(CLOSED, by('alice', 'unreachable'), 0, 0));
    expect(answered(trial)).toEqual(CLOSED);
    expect(out(failed(answered(trial), by('alice', 'failed'), 0, 0))).toBe(false);
  });

  test('what was sent before it went out changes nothing', () => {
    const gone = failed(CLOSED, by('alice', 'unreachable'), 0, 0);
    expect(answered(gone)).toBe(gone);
    expect(failed(gone, by('alice', 'failed'), 900, 0)).toBe(gone);
  });
});
