import { withoutSecretText } from '../../observability/redaction.ts';

/** A UUID has 36. What is longer is a text or a token, and no id. */
const MAX_ID_LENGTH = 64;

/**
 * The id that a client gave its request, for the log. It is a stranger's text: only harmless characters of it count, and
 * nothing where it is too long or looks like a key.
 */
export function clientRequestId(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const id = header.replace(/[^\w.:-]/g, '');
  return id === '' || id.length > MAX_ID_LENGTH || withoutSecretText(id) !== id ? undefined : id;
}
