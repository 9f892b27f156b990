import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  API_KEY_LENGTH,
  API_KEY_PATTERN,
  API_KEY_PREFIX,
  API_KEY_RANDOM_BYTES,
  generateApiKey,
  hashApiKey,
  parseApiKey,
  publicKeyId,
} from '../../../src/student/api-key.ts';

const randomBytes = fc.uint8Array({ minLength: API_KEY_RANDOM_BYTES, maxLength: API_KEY_RANDOM_BYTES });
const zeros = new Uint8Array(API_KEY_RANDOM_BYTES);
const ones = new Uint8Array(API_KEY_RANDOM_BYTES).fill(0xff);

describe('a generated key', () => {
  test('has a fixed form that will not change: people have these keys', () => {
    expect(generateApiKey(zeros)).toBe('gpc_00000000000000000000000000000000000000000002igHf0');
    expect(generateApiKey(zeros)).toHaveLength(API_KEY_LENGTH);
    expect(generateApiKey(ones)).toHaveLength(API_KEY_LENGTH);
  });

  test('is accepted by the parser and by the pattern of secret scanners', () => {
    fc.assert(
      fc.property(randomBytes, (bytes) => {
        const key = generateApiKey(bytes);
        expect(parseApiKey(key)).toEqual({ ok: true });
        expect(`export OPENAI_API_KEY="${key}";`.match(API_KEY_PATTERN)).toEqual([key]);
      }),
    );
  });

  test('keeps every random bit: different bytes give different keys', () => {
    fc.assert(
      fc.property(randomBytes, fc.nat(255), (bytes, bit) => {
        const other = Uint8Array.from(bytes);
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(generateApiKey(other)).not.toBe(generateApiKey(bytes));
      }),
    );
  });

  test.each([0, 16, 31, 33])('is refused to be made of %i bytes', (length) => {
    expect(() => generateApiKey(new Uint8Array(length))).toThrow(RangeError);
  });
});

describe('the parser', () => {
  const key = generateApiKey(ones);

  test.each([
    { name: 'nothing', text: '', wantMalformed: 'Empty' },
    { name: "another vendor's key", text: 'sk-abcdef', wantMalformed: 'WrongPrefix' },
    { name: 'a key with a space before it', text: ` ${key}`, wantMalformed: 'WrongPrefix' },
    { name: 'the prefix alone', text: API_KEY_PREFIX, wantMalformed: 'WrongLength' },
    { name: 'a key cut off by one', text: key.slice(0, -1), wantMalformed: 'WrongLength' },
    { name: 'a key with a line break after it', text: `${key}\n`, wantMalformed: 'WrongLength' },
    {
      name: 'a key with a sign in it',
      text: `${key.slice(0, 20)}-${key.slice(21)}`,
      wantMalformed: 'WrongCharacters',
    },
    {
      name: 'a key with a letter of two bytes in it',
      text: `${key.slice(0, 20)}ä${key.slice(21)}`,
      wantMalformed: 'WrongCharacters',
    },
    {
      name: 'a key in the wrong case',
      text: API_KEY_PREFIX + key.slice(4).toLowerCase(),
      wantMalformed: 'WrongChecksum',
    },
  ])('calls $name $wantMalformed', ({ text, wantMalformed }) => {
    expect(parseApiKey(text)).toEqual({ ok: false, malformed: wantMalformed });
  });

  test('notices any single mistyped character', () => {
    fc.assert(
      fc.property(
        randomBytes,
        fc.integer({ min: API_KEY_PREFIX.length, max: API_KEY_LENGTH - 1 }),
        fc.constantFrom(...'0123456789ABCXYZabcxyz'),
        (bytes, at, typed) => {
          const right = generateApiKey(bytes);
          fc.pre(right.charAt(at) !== typed);
          const wrong = right.slice(0, at) + typed + right.slice(at + 1);
          expect(parseApiKey(wrong)).toEqual({ ok: false, malformed: 'WrongChecksum' });
        },
      ),
    );
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseApiKey(text)));
  });
});

describe('what is known of a key outside its Secret', () => {
  test('is its SHA-256, as sha256sum prints it', () => {
    expect(hashApiKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('is, in logs, the beginning of that hash', () => {
    expect(publicKeyId(hashApiKey('abc'))).toBe('ba7816bf8f01');
  });
});

test('the pattern for secret scanners in the documentation is the one that is tested here', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/security.md'), 'utf8');
  expect(text).toContain(`\n${API_KEY_PATTERN.source}\n`);
});
