import { markdownTable } from 'markdown-table';
import stringWidth from 'string-width';
import { cell } from '../markdown/table.ts';
import type { Report } from './report.ts';
import { headlineOf, type Section, sectionsOf, type Table } from './sections.ts';

/** A report as Markdown with tables, which a terminal shows as well as a wiki. */
export function reportMarkdown(report: Report): string {
  const { title, span } = headlineOf(report);
  const parts = [`# ${plain(title)}`, span, ...sectionsOf(report).map(sectionText)];
  return `${parts.join('\n\n')}\n`;
}

function sectionText({ title, notes, table }: Section): string {
  return [`## ${title}`, ...notes, tableText(table)].join('\n\n');
}

/** With columns of equal width: people read it as it is, too. */
function tableText({ head, rows, lastIsText = false }: Table): string {
  const cells = [head, ...rows].map((row) => row.map((text) => cell(plain(text))));
  const isText = (column: number): boolean => column === 0 || (lastIsText && column === head.length - 1);
  const align = head.map((_, column) => (isText(column) ? 'l' : 'r'));
  return markdownTable(cells, { align, stringLength: stringWidth });
}

/** Names are what students were called, not markup. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>#~]/g, (sign) => `\\${sign}`).replace(/\s+/g, ' ');
}
