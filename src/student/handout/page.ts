import { renderSVG } from 'uqr';
import type { StudentLimits } from '../../api/limits.ts';
import { html } from '../../html/escape.ts';
import { SECRET_KEYS } from '../secret.ts';
import { envFile } from './env-file.ts';
import type { Handout } from './handout.ts';
import { LOAD_SETTINGS, snippets } from './snippets.ts';
import { HANDOUT_WORDS, type HandoutLanguage } from './words.ts';

/** In modules, on each side: https://www.qrcode.com/en/howto/code.html */
const QUIET_ZONE = 4;

/**
 * Handouts as one page of HTML, one sheet of paper for each student. It loads nothing and runs nothing, so it can be
 * sent, opened and printed without a network.
 */
export function handoutPage(handouts: readonly Handout[], language: HandoutLanguage): string {
  const { title } = HANDOUT_WORDS[language];
  const classes = [...new Set(handouts.map(({ classroom }) => classroom))].join(', ');
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${html(`${classes}: ${title}`)}</title>
<style>${STYLE}</style>
</head>
<body>
${handouts.map((handout) => sheet(handout, language)).join('\n')}
</body>
</html>
`;
}

function sheet(handout: Handout, language: HandoutLanguage): string {
  const words = HANDOUT_WORDS[language];
  const { student, settings, classroom, contact } = handout;
  const env = envFile(settings);
  const programs = snippets(words.question);
  return `<section>
<header>
<div>
<p class="class">${html(classroom)} · ${html(words.title)}</p>
<h1>${html(student.displayName ?? student.id)}</h1>
<dl>
${facts(handout, language)
  .map(([name, value]) => `<dt>${html(name)}</dt><dd><code>${html(value)}</code></dd>`)
  .join('\n')}
</dl>
</div>
<figure>${renderSVG(env, { ecc: 'M', border: QUIET_ZONE })}<figcaption>${html(words.scan)}</figcaption></figure>
</header>
<h2>1. ${html(words.settings)}</h2>
<p>${html(words.saveAs)}</p>
${code(env)}
<p>${html(words.load)}</p>
${code(LOAD_SETTINGS.shell)}
<p>${html(words.powerShell)}</p>
${code(LOAD_SETTINGS.powerShell)}
<h2>2. ${html(words.firstQuestion)}</h2>
<div class="programs">
<div><h3>Python</h3><p>${html(words.saveFirst('first.py', 'python first.py'))}</p>${code(programs.python)}</div>
<div><h3>Node</h3><p>${html(words.saveFirst('first.mjs', 'node first.mjs'))}</p>${code(programs.node)}</div>
</div>
<h3>curl</h3>
${code(programs.curl)}
<h2>3. ${html(words.limits)}</h2>
<p>${html(limitsText(handout.limits, language))}</p>
<p>${html(words.used)} <code>curl -H "Authorization: Bearer $${SECRET_KEYS.apiKey}" "$${SECRET_KEYS.baseURL}/usage"</code></p>
<footer>${html([words.secret, ...(contact === undefined ? [] : [words.ask(contact)])].join(' '))}</footer>
</section>`;
}

type Fact = readonly [name: string, value: string | undefined];

function facts({ student, settings, expiresAt }: Handout, language: HandoutLanguage): [string, string][] {
  const words = HANDOUT_WORDS[language];
  const all: readonly Fact[] = [
    ['ID', student.displayName === undefined ? undefined : student.id],
    [words.group, student.group],
    [words.address, settings.baseURL],
    [words.model, settings.model],
    [words.key, settings.apiKey],
    [words.until, expiresAt],
  ];
  return all.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));
}

function limitsText(limits: StudentLimits, language: HandoutLanguage): string {
  const { limit } = HANDOUT_WORDS[language];
  const names: readonly (keyof StudentLimits)[] = [
    'requestsPerMinute',
    'tokensPerMinute',
    'tokensPerDay',
    'tokensTotal',
    'concurrentRequests',
    'maxOutputTokens',
  ];
  const numbers = new Intl.NumberFormat(language);
  return names
    .flatMap((name) => {
      const value = limits[name];
      return value === undefined ? [] : [limit[name](numbers.format(value))];
    })
    .join(' · ');
}

function code(text: string): string {
  return `<pre>${html(text.trimEnd())}</pre>`;
}

const STYLE = `
@page { size: A4; margin: 10mm 12mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 186mm; font: 9.5pt/1.3 system-ui, "Noto Sans", "Noto Sans SC", sans-serif; color: #111; background: #fff; }
section { break-after: page; padding: 4mm 0; }
@media print { section { padding: 0; } }
section:last-child { break-after: auto; }
header { display: flex; gap: 6mm; justify-content: space-between; align-items: flex-start; }
header > div { flex: 1; min-width: 0; }
.class { margin: 0; color: #555; }
h1 { margin: 0 0 2mm; font-size: 20pt; }
h2 { margin: 3mm 0 1mm; font-size: 12pt; border-bottom: 0.3mm solid #ccc; }
h3 { margin: 2mm 0 0; font-size: 9.5pt; }
p { margin: 1mm 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.5mm 3mm; margin: 0; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; width: 46mm; flex: none; text-align: center; font-size: 8pt; color: #555; }
figure svg { display: block; width: 46mm; height: 46mm; }
pre, code { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 8pt; }
pre { margin: 1mm 0; padding: 1.5mm 2mm; background: #f3f3f3; border-radius: 1mm; white-space: pre-wrap; overflow-wrap: anywhere; break-inside: avoid; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.programs { display: flex; gap: 4mm; }
.programs > div { flex: 1; min-width: 0; }
footer { margin-top: 3mm; padding-top: 1.5mm; border-top: 0.3mm solid #ccc; font-size: 8.5pt; }
`;
