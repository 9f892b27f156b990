import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { boostPatch, boostWords } from '../../../../src/cli/boost/boost.ts';
import { boostCommand } from '../../../../src/cli/boost/command.ts';
import { END_SHAPE } from '../../../../src/cli/change/end.ts';
import { studentQuota } from '../../../support/builders.ts';
import { recordedMachine } from '../../../support/terminal.ts';
import { IN_SESSION, monday } from '../change/classes.ts';

const moment = { nowMs: Date.parse(IN_SESSION), timeZone: 'Europe/Berlin' };
const raise = (end: Record<string, string>) =>
  ({ kind: 'Raise', factor: 3, end: z.object(END_SHAPE).parse(end) }) as const;
const STOP = { kind: 'Stop' } as const;

describe('a boost', () => {
  test('ends at a moment that is written as the local time of the class', () => {
    expect(boostPatch(undefined, raise({ for: '30m' }), moment)).toEqual({
      spec: { boost: { factor: 3, until: '2026-11-23T10:30:00+01:00' } },
    });
    expect(boostPatch(undefined, raise({ until: '11:15' }), moment)).toEqual({
      spec: { boost: { factor: 3, until: '2026-11-23T11:15:00+01:00' } },
    });
  });

  test('takes the place of another one; the same one changes nothing', () => {
    const present = { factor: 3, until: '2026-11-23T10:15:00Z' };
    expect(boostPatch(present, raise({ until: '11:30' }), moment)).toBeDefined();
    expect(boostPatch(present, raise({ until: '11:15' }), moment)).toBeUndefined();
  });

  test('is taken away by --stop, also one that is over', () => {
    const over = { factor: 3, until: '2026-11-23T08:00:00Z' };
    expect(boostPatch(over, STOP, moment)).toEqual({ spec: { boost: null } });
    expect(boostPatch(undefined, STOP, moment)).toBeUndefined();
  });
});

describe('what holds then', () => {
  const until = (time: string, factor: number) => ({ factor, until: `2026-11-23T${time}:00+01:00` });
  const seatWith = (boost?: ReturnType<typeof until>) => studentQuota({ spec: boost && { boost } });
  const words = (...given: [ReturnType<typeof monday>, ReturnType<typeof seatWith>?]) =>
    boostWords(given[0], given[1], moment.nowMs).join(' ');

  test('of the class', () => {
    expect(words(monday({ boost: until('10:30', 2) }))).toBe(
      'The limits of python-101 are multiplied by 2 until Mon 2026-11-23 10:30 (Europe/Berlin).',
    );
    expect(words(monday())).toBe('The limits of python-101 are as written: no boost raises them.');
    expect(words(monday({ boost: until('09:30', 2) }))).toMatch(/no boost raises them\.$/);
  });

  test('of a student the larger counts, not the product', () => {
    expect(words(monday({ boost: until('10:30', 2) }), seatWith(until('10:20', 5)))).toBe(
      'The limits of alice are multiplied by 5 until Mon 2026-11-23 10:20 (Europe/Berlin).',
    );
    expect(words(monday({ boost: until('10:30', 5) }), seatWith(until('10:20', 2)))).toBe(
      'The limits of alice are multiplied by 5 until Mon 2026-11-23 10:30 (Europe/Berlin), by the boost of the class.',
    );
  });

  test('in an exam none counts', () => {
    expect(words(monday({ access: 'Exam', exam: {}, boost: until('10:30', 2) }))).toMatch(
      /In the exam that runs no boost counts\.$/,
    );
  });
});

describe('the command line', () => {
  test.each([
    ['no end', ['python-101'], '--for or --until must say when the boost ends, such as --for 30m'],
    ['two ends', ['--for', '1h', '--until', '18:00'], '--for and --until must not be used together'],
    [
      'an end of the end',
      ['--stop', '--for', '1h'],
      '--stop ends a boost, so --for must not be used with it',
    ],
    ['a factor of one', ['--factor', '1', '--for', '1h'], '--factor must be at least 2'],
    ['a factor that is too large', ['--factor', '101', '--for', '1h'], '--factor must not be more than 100'],
  ])('refuses %s', async (_, argv, fault) => {
    const machine = recordedMachine();
    expect(await boostCommand.run(argv, machine)).toBe(2);
    expect(machine.written().stderr).toContain(fault);
  });
});
