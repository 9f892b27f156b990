import { z } from 'zod';
import { oneOf } from '../command-line/values.ts';
import { withoutManagedFields } from '../kube/informer.ts';
import type { KubeObject, Resource } from '../kube/object.ts';
import { CUSTOM_COLUMNS, type CustomColumn, parseCustomColumns } from './custom-columns.ts';
import { render } from './output.ts';

/** How objects of the cluster are printed: kubectl's words. `table` is what people get without `-o`. */
const OBJECT_FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type ObjectFormat = (typeof OBJECT_FORMATS)[number] | { readonly columns: readonly CustomColumn[] };

/** Of `-o`; like kubectl it takes `-o=json`, of which the parser leaves the sign. */
export const objectFormat = z.string().transform((given, context): ObjectFormat => {
  const text = given.replace(/^=/, '');
  const word = OBJECT_FORMATS.find((format) => format === text);
  if (word !== undefined) return word;
  if (!text.startsWith(CUSTOM_COLUMNS)) {
    context.addIssue(`must be one of ${OBJECT_FORMATS.join(', ')}, or ${CUSTOM_COLUMNS}TITLE:.path,…`);
    return z.NEVER;
  }
  const columns = parseCustomColumns(text.slice(CUSTOM_COLUMNS.length));
  if (columns !== undefined) return { columns };
  context.addIssue(
    `must have a title and a path for each column, such as ${CUSTOM_COLUMNS}NAME:.metadata.name`,
  );
  return z.NEVER;
});

/** `-o` of commands that print objects; spread into their own schema and flags. */
export const OBJECT_OUTPUT_SHAPE = { output: objectFormat };
export const OBJECT_OUTPUT_FLAGS = {
  output: {
    spelling: '-o, --output <format>',
    about: `${OBJECT_FORMATS.join(', ')} or ${CUSTOM_COLUMNS}TITLE:.path,…`,
    default: 'table',
    words: OBJECT_FORMATS,
  },
} as const;

/** Of `-o` of commands that write objects; without it they say what they did. */
const WRITTEN_FORMATS = ['name', 'yaml', 'json'] as const;
export type WrittenFormat = (typeof WRITTEN_FORMATS)[number];

export const WRITTEN_OUTPUT_SHAPE = {
  output: z
    .string()
    .transform((text) => text.replace(/^=/, ''))
    .pipe(oneOf(WRITTEN_FORMATS))
    .optional(),
};
export const WRITTEN_OUTPUT_FLAGS = {
  output: {
    spelling: '-o, --output <format>',
    about: `${WRITTEN_FORMATS.join(', ')}: print what is written`,
    words: WRITTEN_FORMATS,
  },
} as const;

/** `classroom.gpu-classroom.io/python-101`, as kubectl names an object in its answers. */
export function nameOf<T extends KubeObject>({ kind, group }: Resource<T>, name: string): string {
  return `${[kind.toLowerCase(), group].filter(Boolean).join('.')}/${name}`;
}

const ASIDES = { none: '', client: ' (dry run)', server: ' (server dry run)' } as const;

/** Of `--dry-run`: nothing is sent, or the cluster checks and keeps nothing. */
export type DryRun = keyof typeof ASIDES;

/**
 * What a change did, as kubectl says it: `classroom.gpu-classroom.io/python-101 created (server dry run)`.
 *
 * @returns text that ends with a line break
 */
export function changeLine<T extends KubeObject>(
  resource: Resource<T>,
  name: string,
  change: 'created' | 'configured' | 'unchanged' | 'deleted',
  dryRun: DryRun = 'none',
): string {
  return `${nameOf(resource, name)} ${change}${ASIDES[dryRun]}\n`;
}

/** Objects for programs: one as it is, several as a List. What managers own is left out, as kubectl does. */
export function objectsText<T extends KubeObject>(
  resource: Resource<T>,
  objects: readonly T[],
  { format, one }: { format: WrittenFormat; one: boolean },
): string {
  if (format === 'name') {
    return objects.map(({ metadata }) => `${nameOf(resource, metadata.name)}\n`).join('');
  }
  const shown = objects.map(shownObject);
  const [first] = shown;
  const result = one && first !== undefined ? first : { apiVersion: 'v1', kind: 'List', items: shown };
  return render(result, format, () => '');
}

/** What people look for first comes first, and what managers own is left out. */
export function shownObject<T extends KubeObject>(object: T): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = withoutManagedFields(object);
  return { apiVersion, kind, metadata, ...rest };
}
