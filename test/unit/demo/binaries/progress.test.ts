import { expect, test } from '@jest/globals';
import { terminalProgress } from '../../../../src/demo/binaries/progress.ts';

function screen(isTTY: boolean) {
  let shown = '';
  let nowMs = 0;
  const write = (text: string) => {
    shown += text;
  };
  const progress = terminalProgress({ stream: { isTTY, write }, now: () => nowMs });
  return {
    progress,
    at: (timeMs: number, text: string) => {
      nowMs = timeMs;
      progress.update(text);
    },
    shown: () => shown,
  };
}

test('where there is no terminal a plain line comes every five seconds at most', () => {
  const { progress, at, shown } = screen(false);
  for (let second = 0; second <= 12; second++) at(second * 1_000, `second ${second}`);
  progress.line('done');
  expect(shown()).toBe('second 5\nsecond 10\ndone\n');
});

test('on a terminal the state is written over, and a kept line clears it', () => {
  const { progress, at, shown } = screen(true);
  at(200, 'one');
  at(250, 'too soon');
  at(300, 'two');
  progress.line('done');
  progress.line('next');
  expect(shown()).toBe('\r\x1b[2Kone\r\x1b[2Ktwo\r\x1b[2Kdone\nnext\n');
});
