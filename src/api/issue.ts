import type { z } from 'zod';

/** One thing that is wrong with an object, in words for the person who wrote it. */
export interface FieldIssue {
  /** Where, as the API server writes it: `spec.schedule.sessions[0].start`. */
  path: string;
  /** What must or must not be, without the path. */
  message: string;
}

/** All that is wrong, as a part of a sentence. */
export function describeIssues(issues: readonly FieldIssue[]): string {
  return issues.map(({ path, message }) => `\`${path}\` ${message}`).join('; ');
}

/** `schedule.sessions[0].start`, the way the API server writes paths. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`;
    return before === '' ? String(part) : `${before}.${String(part)}`;
  }, '');
}

/** The words of zod's issues follow those of the CRD's rules: "must", "must not", literals in single quotes. */
export function issueMessage(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined || issue.input === null) return 'must be set';
      return `must be ${withArticle(issue.expected === 'int' || issue.expected === 'number' ? 'whole number' : issue.expected)}`;
    case 'too_small':
      return tooSmall(issue.origin, Number(issue.minimum));
    case 'too_big':
      return tooBig(issue.origin, Number(issue.maximum));
    case 'invalid_value':
      return `must be ${issue.values.map((value) => `'${String(value)}'`).join(' or ')}`;
    case 'invalid_format':
      return formatMessage(issue.format, issue.pattern);
    case 'invalid_key':
      return 'must not have such a key';
    default:
      return 'is not valid';
  }
}

function formatMessage(format: string, pattern: string | undefined): string {
  switch (format) {
    case 'datetime':
      return "must be a time with an offset, such as '2026-12-01T10:30:00Z'";
    case 'date':
      return "must be a date, such as '2026-12-25'";
    default:
      return pattern === undefined ? 'is not valid' : `must match ${pattern.replace(/^\/(.*)\/$/, '$1')}`;
  }
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function tooSmall(origin: string, minimum: number): string {
  switch (origin) {
    case 'string':
      return minimum === 1 ? 'must not be empty' : `must have at least ${minimum} characters`;
    case 'array':
      return minimum === 1 ? 'must not be empty' : `must have at least ${minimum} items`;
    default:
      return `must not be less than ${minimum}`;
  }
}

function tooBig(origin: string, maximum: number): string {
  switch (origin) {
    case 'string':
      return `must not have more than ${maximum} characters`;
    case 'array':
      return `must not have more than ${maximum} items`;
    default:
      return `must not be greater than ${maximum}`;
  }
}
