import { describe, expect, test } from '@jest/globals';
import type { ClassroomStatus, EngineState } from '../../../../src/api/classroom.ts';
import { lastLoadSeconds } from '../../../../src/classroom/engine-watch/load-time.ts';
import { sharingPod } from './engines.ts';

const was = (state: EngineState, seconds?: number): ClassroomStatus => ({
  engines: [{ name: 'a', state }],
  ...(seconds === undefined ? {} : { lastLoadSeconds: seconds }),
});

describe('the last load', () => {
  const [first, second] = [sharingPod('a'), sharingPod('b', { started: '09:02:00', ready: '09:03:42' })];

  test('took from the start of the container until the engine answered', () => {
    expect(lastLoadSeconds([first], was('Loading'))).toBe(60);
  });

  test('is that of the engine that became ready last', () => {
    expect(lastLoadSeconds([second, first], was('Loading'))).toBe(102);
  });

  test.each<[string, ClassroomStatus]>([
    ['it was ready before', was('Ready', 45)],
    ['it answers its probe again', was('Failing', 45)],
    ['it is being stopped', was('Stopping', 45)],
  ])('stays as it was when %s', (_, previous) => {
    expect(lastLoadSeconds([first], previous)).toBe(45);
  });

  test('is unknown before an engine has loaded', () => {
    expect(lastLoadSeconds([sharingPod('a', { ready: undefined })], undefined)).toBeUndefined();
  });
});
