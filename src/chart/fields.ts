import { z } from 'zod';

/** Building blocks of the schemas of chart values. */

/** A name, an address or the like; empty: the default that its description says. */
export const optionalText = () => z.string().default('');

/** Labels, annotations, node selectors: both sides are texts, as the API server wants them. */
export const textMap = () => z.record(z.string(), z.string());

/** A piece of a Kubernetes object that goes into the manifest as it is; the API server checks it. */
export const objectAsIs = () => z.record(z.string(), z.unknown());

/** A list of such pieces. */
export const objectsAsTheyAre = () => z.array(objectAsIs());

/** A part that can be switched on. */
export const off = () => z.boolean().default(false);

/** A part that can be switched off. */
export const on = () => z.boolean().default(true);

/** An entry of a Secret in the namespace of the release; without `name` there is none. */
export function secretEntry(key: string, what: string) {
  return z
    .strictObject({
      name: optionalText().describe('Name of the Secret.'),
      key: z.string().min(1).default(key).describe('Entry of it.'),
    })
    .prefault({})
    .describe(what);
}

export const count = (min: number, max: number) => z.int().min(min).max(max);
