import type { Flag } from '../../command-line/parse.ts';
import type { Offer } from '../command.ts';

/** What fields of these names are in every command. */
const BY_FIELD: Readonly<Record<string, Offer>> = {
  class: (_, known) => known.classes(),
  student: ([classroom], known) => known.students(classroom),
  engine: (_, known) => known.engines(),
  namespace: (_, known) => known.namespaces(),
  context: (_, known) => known.contexts(),
};

/** The values of a field, as far as they can be known: those that its flag lists, or things of the cluster. */
export function offerOf(field: string, { words }: Flag): Offer | undefined {
  return words === undefined ? BY_FIELD[field] : () => words;
}
