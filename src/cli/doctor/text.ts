import { signOf } from '../status/sign.ts';
import type { Look } from '../status/text.ts';
import { wrapped } from '../text-table.ts';
import { AREAS, type Finding } from './finding.ts';

/** What was found, for programs. */
export interface Diagnosis {
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

const INDENT = 4;

/** Area by area, what to do below what is wrong, and how it all ends. */
export function diagnosisText({ findings }: Diagnosis, look: Look): string {
  const sections = AREAS.flatMap((area) => {
    const there = findings.filter((finding) => finding.area === area);
    if (there.length === 0) return [];
    return [`${look.colours.bold(area)}\n${there.map((finding) => findingText(finding, look)).join('')}`];
  });
  return [...sections, verdictText(findings, look)].join('\n');
}

function findingText({ mark, what, why, next }: Finding, look: Look): string {
  const lines = (text: string): string => wrapped(text, { indent: INDENT, columns: look.columns });
  const first = lines(what).slice(INDENT);
  const rest = [...(why === undefined ? [] : [why]), ...(next === undefined ? [] : [`→ ${next}`])];
  return `  ${signOf(mark, look.colours)} ${first}${rest.map(lines).join('')}`;
}

function verdictText(findings: readonly Finding[], { colours }: Look): string {
  const count = (mark: Finding['mark']): number => findings.filter((finding) => finding.mark === mark).length;
  const unknown = count('Unknown') === 0 ? '' : `; ${count('Unknown')} could not be told from here`;
  const bad = count('Bad');
  if (bad === 0) return `${colours.green('Nothing is wrong')}${unknown}.\n`;
  return `${colours.red(bad === 1 ? '1 thing is wrong' : `${bad} things are wrong`)}${unknown}. Begin with the first.\n`;
}
