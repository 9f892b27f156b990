import type { z } from 'zod';
import { type Refusal, refuse } from '../errors.ts';

type Issue = z.core.$ZodIssue;

const MAX_SHOWN_VALUES = 12;

/** The refusal for the first thing that is wrong with a body; names the field. */
export function invalidRequest(issues: readonly Issue[]): Refusal {
  const fault = faultOf(issues, []);
  return invalidField(spelled(fault.path), fault.why);
}

/** @param why goes after the name of the field: `must be …` */
export function invalidField(param: string, why: string): Refusal {
  return refuse('invalid_parameter', { param, why }, { param });
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly why: string;
  /** The value is of another kind than wanted; otherwise only its size or content is wrong. */
  readonly otherKind: boolean;
}

function faultOf(issues: readonly Issue[], base: readonly PropertyKey[]): Fault {
  const [issue] = issues;
  if (issue === undefined) return { path: base, why: UNKNOWN_FAULT, otherKind: true };
  const path = [...base, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return faultOfUnion(issue.errors, path);
  return { path, why: whyOf(issue), otherKind: isOfOtherKind(issue) };
}

const UNKNOWN_FAULT = 'is not what this endpoint takes';
const KIND_CODES: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

function isOfOtherKind(issue: Issue): boolean {
  return issue.code === 'custom' ? issue.params?.otherKind === true : KIND_CODES.has(issue.code);
}

/** Of all alternatives the one of the right kind is what the client meant, or else the one that went furthest. */
function faultOfUnion(errors: readonly (readonly Issue[])[], path: readonly PropertyKey[]): Fault {
  const faults = errors.map((issues) => faultOf(issues, path));
  const meant = faults.find(({ otherKind }) => !otherKind);
  if (meant !== undefined) return meant;
  const depth = Math.max(...faults.map((fault) => fault.path.length));
  const furthest = faults.filter((fault) => fault.path.length === depth);
  const [first] = furthest;
  if (first !== undefined && (depth > path.length || furthest.length === 1)) return first;
  const kinds = furthest.map(({ why }) => why.replace(/^must be /, ''));
  return { path, why: `must be ${[...new Set(kinds)].join(', or ')}`, otherKind: true };
}

function whyOf(issue: Issue): string {
  // Messages of our own; zod's begin with a capital letter.
  if (/^[a-z]/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`;
    case 'invalid_union':
      return `must be ${oneOf('options' in issue && Array.isArray(issue.options) ? issue.options : [])}`;
    case 'too_small':
      return `must ${measured(issue.origin, issue.inclusive ? 'at least' : 'more than', Number(issue.minimum))}`;
    case 'too_big':
      return `must ${measured(issue.origin, 'at most', Number(issue.maximum))}`;
    default:
      return UNKNOWN_FAULT;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
};

function measured(origin: string, relation: string, bound: number): string {
  switch (origin) {
    case 'string':
      return `have ${relation} ${bound} ${bound === 1 ? 'character' : 'characters'}`;
    case 'array':
      return `have ${relation} ${bound} ${bound === 1 ? 'entry' : 'entries'}`;
    default:
      return `be ${relation} ${bound}`;
  }
}

function oneOf(values: readonly unknown[]): string {
  const shown = values
    .filter((value) => value !== undefined && value !== null)
    .slice(0, MAX_SHOWN_VALUES)
    .map((value) => JSON.stringify(value));
  return shown.length === 1 ? String(shown[0]) : `one of ${shown.join(', ')}`;
}

/** `messages[2].content[0].type`; the body itself is `body`. */
function spelled(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text === '' ? 'body' : text;
}
