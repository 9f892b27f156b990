import { describe, expect, test } from '@jest/globals';
import { type Frame, terminalPicture } from '../../../scripts/terminal-picture.ts';

const OPTIONS = { title: 'a class', columns: 40, frameSeconds: 1, lastFrameSeconds: 3 };

/** Texts of the picture with the seconds at which each is seen. */
function seen(frames: readonly Frame[]): Record<string, string> {
  const picture = terminalPicture(frames, OPTIONS);
  const texts = picture.matchAll(/<text [^>]*?( visibility="hidden")?>([^<]*)(<animate [^>]*>)?<\/text>/g);
  return Object.fromEntries(
    [...texts].map(([, hidden = '', text = '', animation = '']) => {
      const [, times, values] = /keyTimes="([^"]*)" values="([^"]*)"/.exec(animation) ?? [];
      return [text, animation === '' ? `always${hidden}` : `${values} at ${times}${hidden}`];
    }),
  );
}

describe('the picture of a terminal', () => {
  test('has a line that stays only once, without animation', () => {
    expect(seen([['$ npm run demo'], ['$ npm run demo'], ['$ npm run demo']])).toEqual({
      '$ npm run demo': 'always',
    });
  });

  test('shows each line while the terminal did, and the last frame where nothing is animated', () => {
    const frames = [['a'], ['b'], ['b', 'more']];
    expect(seen(frames)).toEqual({
      a: 'visible;hidden at 0;0.2000 visibility="hidden"',
      b: 'hidden;visible at 0;0.2000',
      more: 'hidden;visible at 0;0.4000',
    });
  });

  test('takes no character of a line for markup', () => {
    expect(terminalPicture([['<none> & more']], OPTIONS)).toContain('&lt;none&gt; &amp; more');
  });

  test('is as high as the highest frame', () => {
    const heightOf = (frames: readonly Frame[]): number =>
      Number(/ height="(\d+)" role/.exec(terminalPicture(frames, OPTIONS))?.[1]);
    expect(heightOf([['a'], ['a', 'b', 'c'], ['a']])).toBe(heightOf([['a', 'b', 'c']]));
  });
});
