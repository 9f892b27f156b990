import { adapterFolder, adapterModelName } from '../../api/adapter.ts';
import type { ClassroomSpec } from '../../api/classroom.ts';
import { servedNameOf } from '../../api/model.ts';

/** An adapter as every engine of the class should serve it. */
export interface WantedAdapter {
  readonly name: string;
  /** Under which the engine serves it: `servedName:name`. */
  readonly model: string;
  /** As the spec has it. */
  readonly path: string;
  /** Where the engine finds it. */
  readonly folder: string;
  readonly rank: number;
}

/**
 * The adapters of a class in the order of the spec.
 *
 * @param servedName under which its engines serve the model: while a new name waits for them to be replaced, the old one
 */
export function wantedAdapters(
  { model, adapters }: Pick<ClassroomSpec, 'model' | 'adapters'>,
  servedName = servedNameOf(model),
): WantedAdapter[] {
  return adapters.map(({ name, path, rank }) => ({
    name,
    model: adapterModelName(servedName, name),
    path,
    folder: adapterFolder(path),
    rank,
  }));
}
