import { withoutSecretText } from '../../observability/redaction.ts';

/** An id, and not a text or a token: a UUID has 36 characters. */
const ID_PATTERN = /^[\w.:-]{1,64}$/;

/**
 * The id that a client gave its request, for the log. It is a stranger's text: one that is too long, has other
 * characters than ids have, or looks like a key is left out.
 */
export function clientRequestId(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string' || !ID_PATTERN.test(header)) return undefined;
  return withoutSecretText(header) === header ? header : undefined;
}
