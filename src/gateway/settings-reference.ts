import { settingNameOf, variableOf } from '../command-line/parse.ts';
import { cell } from '../markdown/table.ts';
import { TOKEN_SETTINGS_ABOUT } from './identity/token-settings.ts';
import { FLAGS, NAMES_IN_FILE } from './options.ts';

/** `docs/gateway-settings.md`. */
export function settingsReference(): string {
  const inFile = new Set(NAMES_IN_FILE.values());
  const rows = Object.entries(FLAGS).map(([field, { spelling, about, default: value }]) => {
    const name = inFile.has(field) ? `\`${settingNameOf(spelling)}\`` : '–';
    const fallback = value === undefined || value === '' ? '' : `\`${value}\``;
    return `| \`${spelling}\` | \`${variableOf(spelling)}\` | ${name} | ${fallback} | ${cell(about)} |`;
  });
  const tokenRows = Object.entries(TOKEN_SETTINGS_ABOUT).map(
    ([field, { about, default: value }]) =>
      `| \`${field}\` | ${value === undefined ? '' : `\`${value}\``} | ${cell(about)} |`,
  );
  return `${[...HEAD, ...rows, ...TOKENS, ...tokenRows].join('\n')}\n`;
}

const HEAD = [
  '<!-- Generated from src/ by `npm run generate`: do not edit. -->',
  '',
  '# Settings of the gateway',
  '',
  'A flag wins over its variable, and both win over the file that `--config` names. All that is wrong is told at once,',
  'for a file with the line. `--print-config` prints what is in force. Durations are such as `500ms`, `30s`, `10m`, `1h`.',
  '',
  '| flag | variable | in the file | default | meaning |',
  '|---|---|---|---|---|',
];

const TOKENS = [
  '',
  '## The block `jwt`',
  '',
  'Only in the file. With it, students may send a JSON Web Token of this issuer in the place of a key.',
  '',
  '| field | default | meaning |',
  '|---|---|---|',
];
