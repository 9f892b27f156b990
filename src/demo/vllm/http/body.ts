import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { errors } from './errors.ts';

/** Reads the whole body. */
async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  return Buffer.concat(chunks);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw errors.validation(
      [
        `{'type': 'json_invalid', 'loc': 'body.${text.length}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': 'Expecting value'}}`,
      ],
      `body.${text.length}`,
    );
  }
}

/**
 * Reads a JSON body of the given shape.
 *
 * @throws {ApiError | DetailError} as vLLM answers a wrong content type, bytes that are not UTF-8, text that is not
 *   JSON and JSON that has not the shape
 */
export async function readJson<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const bytes = await readBytes(request);
  if (contentType !== 'application/json') throw errors.unsupportedMediaType();
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw errors.unreadableBody();
  }
  const value = parseJson(text);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw validationError(parsed.error, value);
}

/** pydantic shows the size of what it was given, never the content. */
function describeInput(value: unknown): string {
  if (Array.isArray(value)) return `'<list of ${value.length} items>'`;
  if (typeof value === 'object' && value !== null) return `'<dict of ${Object.keys(value).length} items>'`;
  return `'${value === null ? 'None' : String(value)}'`;
}

const TYPE_ERRORS: Readonly<Record<string, readonly [type: string, message: string]>> = {
  string: ['string_type', 'Input should be a valid string'],
  number: ['float_type', 'Input should be a valid number'],
  boolean: ['bool_type', 'Input should be a valid boolean'],
  array: ['list_type', 'Input should be a valid list'],
  object: ['model_attributes_type', 'Input should be a valid dictionary or object to extract fields from'],
};

const quote = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);

/** Schemas put pydantic's own words into the `params` of a custom issue. */
const customSchema = z.object({ type: z.string(), context: z.string().optional() });

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    root,
  );
}

function lineOf(issue: z.core.$ZodIssue, root: unknown): string {
  const location = ['body', ...issue.path.map(String)].join('.');
  const line = (type: string, message: string, input: unknown, context?: string): string =>
    `{'type': '${type}', 'loc': '${location}', 'msg': ${quote(message)}, 'input': ${describeInput(input)}${context === undefined ? '' : `, 'ctx': ${context}`}}`;
  const input = valueAt(root, issue.path);
  const custom = issue.code === 'custom' ? customSchema.safeParse(issue.params) : undefined;
  if (input === undefined) return line('missing', 'Field required', valueAt(root, issue.path.slice(0, -1)));
  if (custom?.success) return line(custom.data.type, issue.message, input, custom.data.context);
  const known = issue.code === 'invalid_type' ? TYPE_ERRORS[issue.expected] : undefined;
  return line(known?.[0] ?? 'value_error', known?.[1] ?? issue.message, input);
}

function validationError(error: z.ZodError, root: unknown): ReturnType<typeof errors.validation> {
  const location = ['body', ...(error.issues[0]?.path ?? []).map(String)].join('.');
  return errors.validation(
    error.issues.map((issue) => lineOf(issue, root)),
    location,
  );
}
