import { API_KEY_PATTERN, API_KEY_PREFIX } from '../student/api-key.ts';

const REDACTED = '[redacted]';

/** Fields that hold secrets wherever they occur: those of Secrets, of headers, of kubeconfigs. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'data',
  'stringdata',
  'token',
  'password',
  'authorization',
  'cookie',
  'openai_api_key',
  'hf_token',
  'client-key-data',
]);

/** Deeper than any Kubernetes object that is worth logging. */
const MAX_DEPTH = 16;

/**
 * A copy without the values of fields that hold secrets. It covers what patterns cannot: values that look like
 * nothing in particular.
 */
export function withoutSecretFields(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((element) => withoutSecretFields(element, depth + 1));
  if (value instanceof Error) return { error: `${value.name}: ${value.message}` };
  const copy: Record<string, unknown> = {};
  for (const [field, child] of Object.entries(value)) {
    copy[field] = SECRET_FIELDS.has(field.toLowerCase()) ? REDACTED : withoutSecretFields(child, depth + 1);
  }
  return copy;
}

/**
 * The text of a Secret's `data` begins with the encoded prefix. Of the fourth byte only six bits are in the fifth
 * character, so five characters are sure.
 */
const ENCODED_KEY_PATTERN = new RegExp(
  `${Buffer.from(API_KEY_PREFIX).toString('base64').slice(0, 5)}[0-9A-Za-z+/]{60,}={0,2}`,
  'g',
);
const BEARER_PATTERN = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
/** JSON Web Tokens, such as those of ServiceAccounts. */
const JWT_PATTERN = /\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g;

/** A text in which keys, encoded keys and tokens are replaced: the last gate before anything is written. */
export function withoutSecretText(text: string): string {
  return text
    .replace(API_KEY_PATTERN, REDACTED)
    .replace(ENCODED_KEY_PATTERN, REDACTED)
    .replace(BEARER_PATTERN, `$1 ${REDACTED}`)
    .replace(JWT_PATTERN, REDACTED);
}
