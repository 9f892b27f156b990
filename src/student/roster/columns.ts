import { Temporal } from 'temporal-polyfill';
import { studentLimitsOverrideSchema } from '../../api/limits.ts';

/** A field of a seat that a roster can say, as it is called in the header. */
export type RosterField = keyof typeof COLUMNS;

export type CellValue = string | number;

/** What a cell that is not empty says, or what is wrong with it. */
type ReadCell = (
  text: string,
  setting: RosterSetting,
) => { readonly value: CellValue } | { readonly fault: string };

/** What a cell can depend on besides its text. */
export interface RosterSetting {
  /** IANA name of the zone in which the class counts its days. */
  readonly timeZone: string;
}

interface Column {
  /** Where the value is in the spec of a seat. */
  readonly path: readonly [string, string?];
  /** Further words of the header; blanks, dashes and case do not count. */
  readonly aliases: readonly string[];
  readonly read: ReadCell;
  /** What is allowed, where the pattern of the schema tells nobody anything. */
  readonly rule?: string;
  /** For documentation. */
  readonly about: string;
}

const text: ReadCell = (cell) => ({ value: cell });

/** A long number as spreadsheets shorten it: 2.02E+11. */
const SHORTENED = /^\d([.,]\d+)?E\+\d+$/i;

const id: ReadCell = (cell) =>
  SHORTENED.test(cell)
    ? {
        fault:
          'is a long number that the spreadsheet has shortened: make the column Text, and write the ids anew',
      }
    : { value: cell };

const wholeNumber: ReadCell = (cell) =>
  /^\d{1,16}$/.test(cell)
    ? { value: Number(cell) }
    : { fault: 'must be a whole number in plain digits, such as 500000' };

const ACCESS_WORDS: ReadonlyMap<string, string> = new Map([
  ['active', 'Active'],
  ['suspended', 'Suspended'],
]);

const access: ReadCell = (cell) => {
  const word = ACCESS_WORDS.get(cell.toLowerCase());
  return word === undefined ? { fault: "must be 'Active' or 'Suspended'" } : { value: word };
};

/** A date means its end, where the class is. */
const expiry: ReadCell = (cell, { timeZone }) => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(cell)) return { value: cell };
  try {
    const next = Temporal.PlainDate.from(cell).add({ days: 1 }).toZonedDateTime({ timeZone });
    return { value: next.toInstant().toString({ smallestUnit: 'second' }) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { fault: 'is no date of the calendar' };
  }
};

const limit = (name: keyof typeof studentLimitsOverrideSchema.shape) =>
  ({
    path: ['limits', name],
    aliases: [`limits.${name}`],
    read: wholeNumber,
    about: studentLimitsOverrideSchema.shape[name].unwrap().description ?? name,
  }) as const satisfies Column;

/** All that a roster can say of a student. Only `id` must be there. */
export const COLUMNS = {
  id: {
    path: ['student', 'id'],
    aliases: ['student', 'student id', 'user', 'login', '学号', '学生编号'],
    read: id,
    rule: "must have only letters without accents, digits, '-', '_', '.' and '@', a letter or digit first and last, and at most 63 of them",
    about: 'Identifies the student. It cannot change; who gets another one is another student.',
  },
  name: {
    path: ['student', 'displayName'],
    aliases: ['display name', 'full name', 'student name', '姓名', '名字'],
    read: text,
    about: 'Name for people, also on the handout.',
  },
  group: {
    path: ['student', 'group'],
    aliases: ['team', '组', '小组', '分组', '班级'],
    read: text,
    about: 'Group within the class.',
  },
  requestsPerMinute: limit('requestsPerMinute'),
  tokensPerMinute: limit('tokensPerMinute'),
  tokensPerDay: limit('tokensPerDay'),
  tokensTotal: limit('tokensTotal'),
  concurrentRequests: limit('concurrentRequests'),
  maxOutputTokens: limit('maxOutputTokens'),
  weight: {
    path: ['weight'],
    aliases: [],
    read: wholeNumber,
    about: 'Share in the fair queue, compared with the other students.',
  },
  access: { path: ['access'], aliases: [], read: access, about: 'Active or Suspended.' },
  expiresAt: {
    path: ['expiresAt'],
    aliases: ['expires', 'expiry', 'until'],
    read: expiry,
    rule: "must be a date, such as '2027-01-31', or a time with an offset, such as '2027-01-31T18:00:00+01:00'",
    about: 'When the seat ends: a time, or a date, at whose end in the time zone of the class it does.',
  },
} as const satisfies Record<string, Column>;

/** In the order of the documentation. */
export const ROSTER_FIELDS = Object.keys(COLUMNS).filter(isRosterField);

function isRosterField(name: string): name is RosterField {
  return name in COLUMNS;
}

/** A column of any field, without what its own entry knows more of it. */
export function columnOf(field: RosterField): Column {
  return COLUMNS[field];
}

const FIELDS_BY_WORD: ReadonlyMap<string, RosterField> = new Map(
  ROSTER_FIELDS.flatMap((field) =>
    [field, ...columnOf(field).aliases].map((word) => [plainWord(word), field] as const),
  ),
);

/** The field that a cell of the header means. */
export function fieldNamed(header: string): RosterField | undefined {
  return FIELDS_BY_WORD.get(plainWord(header));
}

/** How spreadsheets call a column: 0 is A, 26 is AA. */
export function columnLetters(place: number): string {
  const last = String.fromCharCode('A'.charCodeAt(0) + (place % 26));
  return place < 26 ? last : columnLetters(Math.floor(place / 26) - 1) + last;
}

function plainWord(word: string): string {
  return word.toLowerCase().replace(/[\s_-]+/g, '');
}
