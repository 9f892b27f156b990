import type { KubeObject, Resource } from '../../kube/object.ts';
import type { Machine } from '../machine.ts';
import { changeLine, objectsText, type WrittenFormat } from '../objects-output.ts';
import type { Changed } from './change-object.ts';

/** How a change is told. */
export interface Telling {
  readonly dryRun: boolean;
  /** Undefined: in a line each. */
  readonly output?: WrittenFormat | undefined;
}

/** Says on standard output what became of objects, or prints them. @param one it is one by its nature: no list */
export function tellChanges<T extends KubeObject>(
  resource: Resource<T>,
  changes: readonly Changed<T>[],
  { dryRun, output, one }: Telling & { one: boolean },
  { stdout }: Pick<Machine, 'stdout'>,
): void {
  if (output === undefined) {
    for (const { object, change } of changes) {
      stdout.write(changeLine(resource, object.metadata.name, change, dryRun ? 'server' : 'none'));
    }
    return;
  }
  const objects = changes.map(({ object }) => object);
  stdout.write(objectsText(resource, objects, { format: output, one }));
}

/** Says on standard error what holds now; of a dry run, what would. */
export function tellWords(
  words: readonly string[],
  { dryRun }: Telling,
  { stderr }: Pick<Machine, 'stderr'>,
): void {
  const lines = [...(dryRun ? ['Nothing was changed. With it:'] : []), ...words];
  for (const line of lines) stderr.write(`${line}\n`);
}
