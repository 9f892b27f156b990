import { describe, expect, test } from '@jest/globals';
import {
  FAILURE_ANNOTATION,
  failureOfAnnotations,
  matchesPod,
} from '../../../../src/demo/node-agent/failures.ts';
import { podOf } from './pod-player.ts';

describe('the annotation', () => {
  test.each([
    { text: 'ImagePull', want: { kind: 'ImagePull' } },
    { text: 'Hang', want: { kind: 'Hang', afterSeconds: 0 } },
    { text: '{kind: CrashAtStart, times: 2}', want: { kind: 'CrashAtStart', times: 2 } },
    { text: '{"kind": "SlowLoad", "seconds": 30}', want: { kind: 'SlowLoad', seconds: 30 } },
  ])('$text', ({ text, want }) => {
    expect(failureOfAnnotations({ [FAILURE_ANNOTATION]: text })).toEqual(want);
  });

  test.each(['Explode', '{kind: SlowLoad, seconds: soon}', '{', ''])(
    '"%s" is explained, not played',
    (text) => {
      expect(failureOfAnnotations({ [FAILURE_ANNOTATION]: text })).toContain(FAILURE_ANNOTATION);
    },
  );

  test('of another name means nothing', () => {
    expect(failureOfAnnotations({ other: 'Hang' })).toBeUndefined();
    expect(failureOfAnnotations(undefined)).toBeUndefined();
  });
});

test.each([
  { name: 'everything', matcher: {}, want: true },
  { name: 'its name', matcher: { name: 'engine' }, want: true },
  { name: 'the beginning of its name', matcher: { name: 'eng*' }, want: true },
  { name: 'a part of its name', matcher: { name: 'eng' }, want: false },
  { name: 'its node', matcher: { node: 'a10' }, want: true },
  { name: 'another node', matcher: { node: 'l4' }, want: false },
  { name: 'another namespace', matcher: { namespace: 'other', name: 'engine' }, want: false },
  { name: 'its label', matcher: { labels: { class: 'python' } }, want: true },
  { name: 'another value of its label', matcher: { labels: { class: 'rust' } }, want: false },
])('a matcher with $name: $want', ({ matcher, want }) => {
  const pod = podOf();
  pod.metadata.labels = { class: 'python' };
  expect(matchesPod(matcher, pod)).toBe(want);
});
