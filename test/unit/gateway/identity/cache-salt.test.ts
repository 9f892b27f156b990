import { expect, test } from '@jest/globals';
import { cacheSalt } from '../../../../src/gateway/identity/cache-salt.ts';

const secret = Buffer.from('a secret of the gateway');

test('a student has the same salt in every request', () => {
  expect(cacheSalt(secret, 'school/a', 'alice')).toBe(cacheSalt(secret, 'school/a', 'alice'));
  expect(cacheSalt(secret, 'school/a', 'alice')).toMatch(/^[\w-]{43}$/);
});

test('no two students, classes, secrets or splits of the same letters share one', () => {
  const salts = [
    cacheSalt(secret, 'school/a', 'alice'),
    cacheSalt(secret, 'school/a', 'bob'),
    cacheSalt(secret, 'school/b', 'alice'),
    cacheSalt(secret, 'school/aa', 'lice'),
    cacheSalt(secret, 'school/', 'aalice'),
    cacheSalt(Buffer.from('another secret'), 'school/a', 'alice'),
  ];
  expect(new Set(salts).size).toBe(salts.length);
});
