import { CATALOGUE } from '../../gpu/model/catalogue.ts';

/**
 * What vLLM can load for the model that a person means: `qwen2.5-7b` is `Qwen/Qwen2.5-7B-Instruct`. Hub ids, in any
 * case, and names that the catalogue does not have are taken as they are meant.
 */
export function hubId(meant: string): string {
  const word = meant.toLowerCase();
  const ids = CATALOGUE.flatMap((entry) => entry.hubIds);
  const named = ids.find((id) => id.toLowerCase() === word || nameIn(id) === word);
  return named ?? CATALOGUE.find(({ name }) => name === word)?.hubIds[0] ?? meant;
}

/** Without organisation. */
function nameIn(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1).toLowerCase();
}
