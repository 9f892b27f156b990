import type { EnginePlan, FactsSource } from '../../gpu/plan-types.ts';
import { nameTable } from '../text-table.ts';
import { flagsOf } from './suggestion-flags.ts';

const NAME_WIDTH = 28;
const TEXT_WIDTH = 92;

const SOURCES: Readonly<Record<FactsSource, string>> = {
  catalogue: 'figures from the catalogue',
  config: 'figures from its config.json',
  stated: 'figures as stated',
  estimate: 'ESTIMATED from its name: give --model-config for a sum to rely on',
};

/** A plan for people: the answer, the sum line by line, what follows from it, and what to change. */
export function planTable(plan: EnginePlan): string {
  const parts = [
    `${plan.fits ? '' : 'Does not fit: '}${plan.reason}\n`,
    rows(subjectRows(plan)),
    section('Memory of one GPU:', plan.sum),
    ...(plan.fits
      ? [rows(resultRows(plan)), section('vllm serve <model>', argumentLines(plan.engineArgs))]
      : []),
    section(
      'Warnings:',
      plan.warnings.map(({ message }) => `- ${message}`),
    ),
    section(plan.fits ? 'What would give more:' : 'What would make it fit:', suggestionLines(plan)),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

type Row = readonly [name: string, text: string];

function subjectRows({ model, gpu, vllmVersion, confidence, confidenceBasis }: EnginePlan): Row[] {
  const billions = (model.parameters / 1e9).toFixed(1);
  return [
    ['Model', `${model.name}, ${billions} billion parameters (${SOURCES[model.source]})`],
    ['GPU', gpu.name],
    ['vLLM', vllmVersion],
    ['Confidence', `${confidence}: ${confidenceBasis}`],
  ];
}

function resultRows(plan: EnginePlan): Row[] {
  return [
    ['Requests computed together', `${plan.settings.maxNumSeqs}: ${plan.sequenceBasis}`],
    ['Students an engine carries', `${plan.students}: ${plan.studentsBasis}`],
    ['Engines', String(plan.replicas)],
  ];
}

/** A flag and its value on each line. */
function argumentLines(args: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of args) {
    const last = lines.at(-1);
    if (word.startsWith('--') || last === undefined) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function suggestionLines({ suggestions, gpu }: EnginePlan): string[] {
  return suggestions.flatMap(({ message, change }) => {
    const flags = flagsOf(change, gpu);
    return [`- ${message}`, ...(flags.length === 0 ? [] : [`    ${flags.join(' ')}`])];
  });
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function rows(content: readonly Row[]): string {
  return nameTable(content, { nameWidth: NAME_WIDTH, textWidth: TEXT_WIDTH });
}
