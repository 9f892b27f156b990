import { html } from '../html/escape.ts';
import type { Chart } from './charts.ts';
import type { Report } from './report.ts';
import { headlineOf, type Section, sectionsOf, type Table } from './sections.ts';

/** A report as one page of HTML to look at and to print. It loads nothing and runs nothing. */
export function reportPage(report: Report, charts: readonly Chart[]): string {
  const { title, span } = headlineOf(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${html(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${html(title)}</h1>
<p>${html(span)}</p>
</header>
${charts.map(figure).join('\n')}
${sectionsOf(report).map(section).join('\n')}
</body>
</html>
`;
}

function figure({ title, svg }: Chart): string {
  return `<figure role="img" aria-label="${html(title)}">${svg}</figure>`;
}

function section({ title, notes, table: its }: Section): string {
  return `<section>
<h2>${html(title)}</h2>
${notes.map((note) => `<p>${html(note)}</p>`).join('\n')}
${table(its)}
</section>`;
}

function table({ head, rows, lastIsText = false }: Table): string {
  const titles = head.map((text) => `<th scope="col">${html(text)}</th>`).join('');
  const lines = rows.map(
    ([first = '', ...rest]) =>
      `<tr><th scope="row">${html(first)}</th>${rest.map((text) => `<td>${html(text)}</td>`).join('')}</tr>`,
  );
  const top = head.every((text) => text === '') ? '' : `<thead><tr>${titles}</tr></thead>\n`;
  return `<table${lastIsText ? ' class="last-text"' : ''}>
${top}<tbody>
${lines.join('\n')}
</tbody>
</table>`;
}

const STYLE = `
@page { size: A4; margin: 12mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 4mm; max-width: 190mm; font: 9.5pt/1.35 system-ui, "Noto Sans", "Noto Sans SC", sans-serif; color: #111; background: #fff; }
@media print { body { padding: 0; max-width: none; } }
h1 { margin: 0; font-size: 18pt; }
header p { margin: 1mm 0 4mm; color: #555; }
h2 { margin: 6mm 0 1mm; font-size: 12pt; break-after: avoid; }
figure { margin: 0 0 4mm; break-inside: avoid; }
figure svg { display: block; max-width: 100%; height: auto; }
section { overflow-x: auto; }
@media print { section { overflow: visible; } }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { padding: 0.8mm 2mm; border-bottom: 0.2mm solid #ddd; text-align: right; font-weight: normal; }
thead th { color: #555; border-bottom-color: #999; vertical-align: bottom; }
th:first-child { text-align: left; min-width: 42mm; overflow-wrap: anywhere; }
.last-text :is(th, td):last-child { text-align: left; min-width: 42mm; overflow-wrap: anywhere; }
`;
