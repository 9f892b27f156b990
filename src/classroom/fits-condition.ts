import type { ClassroomSpec } from '../api/classroom.ts';
import type { ConditionDraft } from '../api/condition.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../api/reasons.ts';
import type { EnginePlan, Suggestion } from '../gpu/plan-types.ts';
import type { EnginePlanning } from './engine-settings.ts';
import { fieldsOf } from './suggestion-fields.ts';

const type = CLASSROOM_CONDITIONS.fits;

/** Whether engines as the spec wants them fit their GPU, with the sum; what would make them fit where they do not. */
export function fitsCondition(planning: EnginePlanning, spec: ClassroomSpec): ConditionDraft {
  switch (planning.kind) {
    case 'fits':
      return {
        type,
        status: 'True',
        reason: CLASSROOM_REASONS.planFits,
        message: paragraph([planning.plan.reason, guessOf(planning.plan), sumOf(planning.plan)]),
      };
    case 'unfit':
      return {
        type,
        status: 'False',
        reason: planning.code,
        message: paragraph([
          planning.plan.reason,
          'It is not started, and engines that run stay as they are.',
          suggestionsOf(planning.plan.suggestions, spec),
          guessOf(planning.plan),
          sumOf(planning.plan),
        ]),
      };
    case 'unchecked':
      return {
        type,
        status: 'Unknown',
        reason: planning.reason,
        message: uncheckedMessage(planning),
      };
  }
}

function uncheckedMessage({ reason, why }: Extract<EnginePlanning, { kind: 'unchecked' }>): string {
  const next =
    reason === 'ModelUnknown'
      ? 'state what is known of the model in `model.facts`'
      : 'let GPU feature discovery label the nodes, or state the memory of one slot in `gpu.memoryMiB`';
  const what =
    reason === 'ModelUnknown' ? 'How much memory the model needs' : 'How much memory an engine has';
  return `${what} is not known: ${why.replace(/\.$/, '')}. The engines are started with figures by rules of thumb, and may run out of memory. To have it checked, ${next}.`;
}

/** A sum that rests on a guess is not to be taken for one that was measured. */
function guessOf({ confidence, confidenceBasis, model }: EnginePlan): string | undefined {
  if (confidence !== 'low') return undefined;
  return model.source === 'estimate'
    ? `${confidenceBasis} State what is known of the model in \`model.facts\`.`
    : confidenceBasis;
}

function sumOf({ sum }: EnginePlan): string | undefined {
  return sum.length === 0
    ? undefined
    : `The sum: ${sum.map((line) => line.trim().replace(/ {2,}/, ' ')).join('; ')}.`;
}

function suggestionsOf(suggestions: readonly Suggestion[], spec: ClassroomSpec): string | undefined {
  if (suggestions.length === 0) return undefined;
  return `What would fit: ${suggestions.map((suggestion) => describeSuggestion(suggestion, spec)).join('; or ')}.`;
}

/** With the fields of the Classroom that state it. */
function describeSuggestion({ message, change }: Suggestion, spec: ClassroomSpec): string {
  const fields = fieldsOf(change, spec).map((field) => `\`${field}\``);
  return fields.length === 0 ? asClause(message) : `${asClause(message)}: ${fields.join(', ')}`;
}

/** In the middle of a sentence; names and acronyms stay as they are. */
function asClause(sentence: string): string {
  const begun = /^[A-Z][a-z]+ /.test(sentence)
    ? sentence.charAt(0).toLowerCase() + sentence.slice(1)
    : sentence;
  return begun.replace(/\.$/, '');
}

function paragraph(sentences: readonly (string | undefined)[]): string {
  return sentences.filter((sentence) => sentence !== undefined).join(' ');
}
