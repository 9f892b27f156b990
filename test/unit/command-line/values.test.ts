import { expect, test } from '@jest/globals';
import {
  duration,
  listenAddress,
  onOrOff,
  positiveDuration,
  wholeNumber,
} from '../../../src/command-line/values.ts';

test.each([
  ['0.0.0.0:8080', { host: '0.0.0.0', port: 8080 }],
  ['[::1]:9', { host: '::1', port: 9 }],
  [':9', { host: '', port: 9 }],
])('%s is an address to listen on', (text, want) => {
  expect(listenAddress.parse(text)).toEqual(want);
});

test.each(['8080', '::1:9', 'host:', 'host:65536', 'host:-1'])('%s is no address to listen on', (text) => {
  expect(listenAddress.safeParse(text).success).toBe(false);
});

test.each([
  ['0ms', 0],
  ['500ms', 500],
  ['30s', 30_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
])('%s lasts %d ms', (text, wantMs) => {
  expect(duration.parse(text)).toBe(wantMs);
});

test('no duration is too long for a timer', () => {
  expect(duration.parse('500h')).toBeLessThan(2 ** 31);
  expect(duration.safeParse('500h').success).toBe(true);
  expect(duration.safeParse('501h').success).toBe(false);
});

test('a positive duration is not 0', () => {
  expect(positiveDuration.parse('1ms')).toBe(1);
  expect(positiveDuration.safeParse('0s').success).toBe(false);
});

test.each(['', '5', 's', '-1s', '1.5s', '1 s', '1d', '1S'])("'%s' is no duration", (text) => {
  expect(duration.safeParse(text).success).toBe(false);
});

test.each(['', ' 2', '-2', '2.0', '0x2', '1e0', '0', '4', '9'.repeat(400)])(
  "'%s' is no whole number from 1 to 3",
  (text) => {
    expect(wholeNumber(1, 3).safeParse(text).success).toBe(false);
  },
);

test('a switch is on or off, and nothing else', () => {
  expect([onOrOff.parse('true'), onOrOff.parse('false')]).toEqual([true, false]);
  expect(onOrOff.safeParse('yes').success).toBe(false);
});
