import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pixelsOf } from '../../../../src/gateway/request/picture.ts';

const base64 = (...parts: (string | number[])[]): string =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  ).toString('base64');

const u16 = (value: number): number[] => [value >> 8, value & 0xff];
const le16 = (value: number): number[] => u16(value).reverse();
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];
const zeros = (count: number): number[] => Array(count).fill(0);

const png = (width: number, height: number): string =>
  base64('\x89PNG\r\n\x1a\n', u32(13), 'IHDR', u32(width), u32(height), zeros(20));
const gif = (width: number, height: number): string => base64('GIF89a', le16(width), le16(height), zeros(30));
const jpeg = (width: number, height: number, before: number[] = []): string =>
  base64([0xff, 0xd8, ...before, 0xff, 0xc2, ...u16(17), 8, ...u16(height), ...u16(width), ...zeros(20)]);
const webp = (...chunk: (string | number[])[]): string =>
  base64('RIFF', zeros(4), 'WEBP', ...chunk, zeros(20));

describe('the size of a picture', () => {
  test.each<[string, string]>([
    ['PNG', png(640, 480)],
    ['GIF', gif(640, 480)],
    ['JPEG', jpeg(640, 480)],
    [
      'JPEG of a camera',
      jpeg(640, 480, [0xff, 0xe1, ...u16(5000), ...zeros(4998), 0xff, 0xff, 0xff, 0xdb, ...u16(4), 0, 0]),
    ],
    ['lossy WebP', webp('VP8 ', zeros(4), zeros(3), [0x9d, 0x01, 0x2a], le16(640), le16(480))],
    ['lossless WebP', webp('VP8L', zeros(4), [0x2f, ...u32((639 | (479 << 14)) >>> 0).reverse()])],
    ['extended WebP', webp('VP8X', zeros(4), zeros(4), [...le16(639), 0, ...le16(479), 0])],
  ])('is read from a %s', (_, data) => {
    expect(pixelsOf(data)).toBe(640 * 480);
  });

  test('of a bomb is read without unpacking it', () => {
    expect(pixelsOf(png(65_535, 65_535))).toBe(4_294_836_225);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['text', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>').toString('base64')],
    ['a JPEG without a frame', base64([0xff, 0xd8, 0xff, 0xe0, ...u16(60), ...zeros(58)])],
    ['a JPEG of a length that leads nowhere', base64([0xff, 0xd8, 0xff, 0xe0, 0, 0, ...zeros(40)])],
    ['base64 with something else in it', `${png(640, 480).slice(0, 20)}\n${png(640, 480).slice(20)}`],
    ['base64 that goes on after its end', `${png(1, 1)}==${png(640, 480)}`],
    ['a WebP of an unknown kind', webp('VP9 ', zeros(20))],
  ])('is not read from %s', (_, data) => {
    expect(pixelsOf(data)).toBeUndefined();
  });

  test('of anything at all is a number or unknown, and never a fault', () => {
    const starts = ['\x89PNG', 'GIF8', 'RIFF....WEBPVP8X', '\xff\xd8\xff'];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 100 }), (start, bytes) => {
        const pixels = pixelsOf(base64(start, [...bytes]));
        expect(pixels === undefined || pixels >= 0).toBe(true);
      }),
    );
  });
});
