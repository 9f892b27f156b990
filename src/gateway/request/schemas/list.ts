import { z } from 'zod';

/** How many entries a list has. */
export interface ListBounds {
  readonly min?: number;
  readonly max: number;
}

/**
 * A list of which only the first wrong entry is reported. An array of zod collects every fault of every entry: with
 * kilobytes of wrong ones that takes a good part of a second, in which the gateway serves nobody.
 */
export function list<Entry extends z.ZodType>(entry: Entry, { min = 0, max }: ListBounds) {
  return z.unknown().transform((value, context): z.output<Entry>[] => {
    if (!Array.isArray(value)) {
      context.addIssue({ code: 'invalid_type', expected: 'array', input: value, message: 'must be a list' });
      return z.NEVER;
    }
    if (value.length < min || value.length > max) {
      const message =
        value.length < min ? `must have at least ${counted(min)}` : `must have at most ${counted(max)}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
    const entries: z.output<Entry>[] = [];
    for (let index = 0; index < value.length; index++) {
      const result = entry.safeParse(value[index]);
      const [fault] = result.error?.issues ?? [];
      if (fault !== undefined) {
        context.addIssue({ ...fault, input: value[index], path: [index, ...fault.path] });
        return z.NEVER;
      }
      if (result.success) entries.push(result.data);
    }
    return entries;
  });
}

function counted(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries} entries`;
}
