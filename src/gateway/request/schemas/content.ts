import { z } from 'zod';
import { pixelsOf } from '../picture.ts';
import { list } from './list.ts';

const MAX_PARTS = 1_000;

/**
 * Bounds of pictures. An engine unpacks them in the process that the whole class shares: a few kilobytes can become
 * hundreds of megabytes there.
 */
export const PICTURE_BOUNDS = { perRequest: 16, pixels: 25_000_000 } as const;

const DATA_URL_START = /^data:image\/(?:png|jpeg|jpg|gif|webp);base64,/;

/** The base64 of a picture. */
export const pictureData = z.string().superRefine(checkPicture);

/**
 * Pictures come inside the request. An engine would fetch any other URL itself, from within the cluster: with
 * `http://` a student could reach what only engines reach, with `file://` read what they can read.
 */
export const dataUrl = z.string().superRefine((url, context) => {
  const start = DATA_URL_START.exec(url)?.[0];
  if (start !== undefined) return checkPicture(url.slice(start.length), context);
  context.addIssue({
    code: 'custom',
    message: 'must be a data URL such as "data:image/png;base64,…": engines fetch nothing',
  });
});

function checkPicture(base64: string, context: z.RefinementCtx): void {
  const pixels = pixelsOf(base64);
  if (pixels === undefined) {
    context.addIssue({ code: 'custom', message: 'must be a picture: PNG, JPEG, GIF or WebP' });
  } else if (pixels > PICTURE_BOUNDS.pixels) {
    const message = `must not have more than ${PICTURE_BOUNDS.pixels / 1_000_000} million pixels: send a smaller picture`;
    context.addIssue({ code: 'custom', message });
  }
}

export const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

export const detail = z.enum(['auto', 'low', 'high', 'original']).nullish();

/** A text, or a list of parts. */
export function textOr<Part extends z.ZodType>(part: Part) {
  return z.union([z.string(), list(part, { max: MAX_PARTS })]);
}
