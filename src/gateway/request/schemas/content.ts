import { z } from 'zod';

const MAX_PARTS = 1_000;

/**
 * Pictures come inside the request. An engine would fetch any other URL itself, from within the cluster: with
 * `http://` a student could reach what only engines reach, with `file://` read what they can read.
 */
export const dataUrl = z.string().refine((url) => DATA_URL.test(url), {
  error: 'must be a data URL such as "data:image/png;base64,…": engines fetch nothing',
});

// Only the beginning is read: it decides what an engine does with the rest, which may be megabytes.
const DATA_URL = /^data:image\/(?:png|jpeg|jpg|gif|webp|bmp);base64,[A-Za-z0-9+/]/;

export const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

export const detail = z.enum(['auto', 'low', 'high', 'original']).nullish();

/** A text, or a list of parts. */
export function textOr<Part extends z.ZodType>(part: Part) {
  return z.union([z.string(), z.array(part).max(MAX_PARTS)]);
}
