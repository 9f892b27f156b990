import { describe, expect, test } from '@jest/globals';
import jsQR from 'jsqr';
import { envFile } from '../../../../src/student/handout/env-file.ts';
import { handoutPage } from '../../../../src/student/handout/page.ts';
import { HANDOUT_LANGUAGES, HANDOUT_WORDS } from '../../../../src/student/handout/words.ts';
import { apiKey } from '../builders.ts';
import { handout } from './builders.ts';

const alice = handout();
const bob = handout({
  seat: 'python-101-bob',
  student: { id: 'bob', displayName: 'Bob <b>&"Li"</b>' },
  settings: {
    ...alice.settings,
    apiKey: apiKey(2),
    model: 'org/a-model-with-a-long-name-of-its-own:2026-11',
  },
});

/** Every QR code of a page as a phone reads it: the squares of its SVG, painted and scanned. */
function scanned(page: string): (string | undefined)[] {
  return [...page.matchAll(/<svg[^>]*viewBox="0 0 (\d+) \d+"[^>]*>(.*?)<\/svg>/gs)].map(
    ([, size, drawn = '']) => {
      const width = Number(size);
      const pixels = new Uint8ClampedArray(width * width * 4).fill(255);
      for (const [, x, y, side] of drawn.matchAll(/M(\d+),(\d+)h(\d+)/g)) {
        for (let row = 0; row < Number(side); row++) {
          for (let column = 0; column < Number(side); column++) {
            const at = ((Number(y) + row) * width + Number(x) + column) * 4;
            pixels.fill(0, at, at + 3);
          }
        }
      }
      return jsQR.default(pixels, width, width)?.data;
    },
  );
}

test('each sheet has a QR code that holds the settings of its student', () => {
  const page = handoutPage([alice, bob], 'en');
  expect(scanned(page)).toEqual([envFile(alice.settings), envFile(bob.settings)]);
});

test('a sheet of one student holds no key of another', () => {
  const page = handoutPage([alice], 'en');
  expect(page).toContain(apiKey(1));
  expect(page).not.toContain(apiKey(2));
});

test('names are text, whatever is in them', () => {
  const page = handoutPage([bob], 'en');
  expect(page).toContain('<h1>Bob &lt;b&gt;&amp;&quot;Li&quot;&lt;/b&gt;</h1>');
  expect(page).not.toContain('<b>');
});

test('loads and runs nothing', () => {
  const page = handoutPage([alice, bob], 'en');
  expect(page).not.toMatch(/<(script|link|img|iframe)|\ssrc=|@import|url\(/i);
});

describe.each(HANDOUT_LANGUAGES)('in %s', (language) => {
  const words = HANDOUT_WORDS[language];
  const page = handoutPage([handout({ expiresAt: '2027-01-31T16:00:00Z' })], language);

  test('says its language, so that a browser takes the right letters', () => {
    expect(page).toContain(`<html lang="${language}">`);
  });

  test.each([
    ['the address', 'https://gpu.school.example/v1'],
    ['the model', 'qwen2.5-7b-instruct'],
    ['the key', apiKey(1)],
    ['the group', words.group],
    ['the end of the seat', '2027-01-31T16:00:00Z'],
    ['a limit', words.limit.tokensPerDay('500,000')],
    ['whom to ask', words.ask('Ms Chen, room 214')],
    ['a first program in Python', 'from openai import OpenAI'],
    ['a first program for Node', 'import OpenAI from'],
    ['a first call with curl', '/chat/completions'],
  ])('tells %s', (_, text) => {
    expect(page).toContain(text);
  });
});
