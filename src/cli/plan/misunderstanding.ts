import type { Texts } from '../../command-line/parse.ts';
import type { EnginePlan, MisfitCode } from '../../gpu/plan-types.ts';

/** Where a person says what the planner did not understand: the flag, and the field of a Classroom. */
interface Saying {
  readonly flags: readonly { readonly field: string; readonly word: string }[];
  readonly classField: string;
}

/** The codes that mean "I do not know what you mean"; all others are an answer. */
const SAYINGS: Partial<Record<MisfitCode, Saying>> = {
  UnknownGpu: { flags: [{ field: 'gpu', word: '--gpu' }], classField: 'spec.gpu.product' },
  UnknownMigProfile: {
    flags: [{ field: 'migProfile', word: '--mig-profile' }],
    classField: 'spec.gpu.migProfile',
  },
  UnknownModel: { flags: [{ field: 'model', word: '--model' }], classField: 'spec.model.id' },
  InvalidModelFacts: {
    flags: [
      { field: 'modelConfig', word: '--model-config' },
      { field: 'model', word: '--model' },
    ],
    classField: 'spec.model',
  },
};

/**
 * Why a plan is no answer but a mistake of whoever asked, with the flag or field that says it; undefined where it is an
 * answer.
 *
 * @param texts of the flags that were written
 */
export function misunderstanding({ code, reason }: EnginePlan, texts: Texts): string | undefined {
  const saying = code === undefined ? undefined : SAYINGS[code];
  if (saying === undefined) return undefined;
  const written = saying.flags.find(({ field }) => texts[field] !== undefined);
  const place = written === undefined ? `--from ${texts.from}: ${saying.classField}` : `${written.word} ${texts[written.field]}`;
  return `${place}: ${reason}`;
}
