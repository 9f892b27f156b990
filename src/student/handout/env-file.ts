import { type ClientSettings, SECRET_KEYS } from '../secret.ts';

/** What shells, `docker run --env-file` and Node's `--env-file` all read as it is written. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]*$/;

/**
 * The settings as lines `NAME=value`, under the names that OpenAI's clients read. A value that a shell would change is
 * in single quotes.
 */
export function envFile({ apiKey, baseURL, model }: ClientSettings): string {
  const values = [
    [SECRET_KEYS.apiKey, apiKey],
    [SECRET_KEYS.baseURL, baseURL],
    [SECRET_KEYS.model, model],
  ] as const;
  return values.map(([name, value]) => `${name}=${quoted(value)}\n`).join('');
}

function quoted(value: string): string {
  return PLAIN.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
