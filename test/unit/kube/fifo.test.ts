import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFifo } from '../../../src/kube/fifo.ts';

test('gives back what was pushed in the same order, whatever comes in between', () => {
  const steps = fc.array(fc.oneof(fc.nat(), fc.constant('shift' as const)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (script) => {
      const fifo = createFifo<number>();
      const model: number[] = [];
      for (const step of script) {
        if (step === 'shift') expect(fifo.shift()).toBe(model.shift());
        else {
          fifo.push(step);
          model.push(step);
        }
        expect(fifo.length).toBe(model.length);
      }
    }),
  );
});
