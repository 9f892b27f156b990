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

/** The adapters of a class in the order of the spec. */
export function wantedAdapters({
  model,
  adapters,
}: Pick<ClassroomSpec, 'model' | 'adapters'>): WantedAdapter[] {
  const servedName = servedNameOf(model);
  return adapters.map(({ name, path, rank }) => ({
    name,
    model: adapterModelName(servedName, name),
    path,
    folder: adapterFolder(path),
    rank,
  }));
}
