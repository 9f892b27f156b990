import { describe, expect, test } from '@jest/globals';
import { CONNECTION_FLAGS } from '../../../src/cli/cluster/flags.ts';
import { CONNECTION_WORDS, leadingFlags } from '../../../src/cli/cluster/leading-flags.ts';
import type { Command } from '../../../src/cli/command.ts';
import { groupOf } from '../../../src/cli/group.ts';
import { recordedMachine } from '../../support/terminal.ts';

/** Prints its name and its arguments. */
const echo = (name: string): Command => ({
  name,
  summary: `Says ${name}`,
  load: async () => ({
    usage: { description: name, flags: {}, examples: [] },
    run: (argv, { stdout }) => {
      stdout.write([name, ...argv].join(' '));
      return 0;
    },
  }),
});

const keys = groupOf({
  name: 'keys',
  description: 'Hands out keys.',
  commands: [echo('export'), echo('rotate')],
});

const run = async (...argv: string[]) => {
  const machine = recordedMachine();
  return { code: await keys.run(argv, machine), ...machine.written() };
};

describe('a group', () => {
  test('runs the command that is named', async () => {
    expect(await run('rotate', 'alice', '--yes')).toEqual({
      code: 0,
      stdout: 'rotate alice --yes',
      stderr: '',
    });
  });

  test('takes flags of the connection before the command', async () => {
    expect(await run('-n', 'school', '--context=lab', 'export', 'python-101')).toMatchObject({
      code: 0,
      stdout: 'export -n school --context=lab python-101',
    });
  });

  test('takes a namespace for a namespace, even when it is called like a command', async () => {
    expect(await run('-n', 'rotate', 'export')).toMatchObject({ stdout: 'export -n rotate' });
  });

  test.each([['--help'], ['-h'], ['help']])('%s says what there is', async (word) => {
    const { code, stdout } = await run(word);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: kubectl classroom keys <command>/);
    expect(stdout).toMatch(/^ {2}rotate {2}Says rotate$/m);
  });

  test('help of a command is its --help', async () => {
    expect(await run('help', 'rotate')).toMatchObject({ stdout: 'rotate --help' });
  });

  test('without a command nothing is done', async () => {
    expect(await run()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Commands:') });
  });

  test('a command misspelled', async () => {
    expect(await run('rotaet')).toMatchObject({
      code: 2,
      stdout: '',
      stderr:
        "error: 'rotaet' is no command of kubectl classroom keys: did you mean rotate?\nSee what there is: kubectl classroom keys --help\n",
    });
  });
});

describe('flags before the command', () => {
  test.each([
    [['get'], []],
    [
      ['-n', 'school', 'get'],
      ['-n', 'school'],
    ],
    [
      ['--kubeconfig=a', '--as', 'ada', 'get', '-n', 'x'],
      ['--kubeconfig=a', '--as', 'ada'],
    ],
    [['--version'], []],
    [['-n'], ['-n']],
  ])('of %j are %j', (argv, want) => {
    expect(leadingFlags(argv)).toEqual(want);
  });

  test('are all those of the connection, by every word for them', () => {
    const words = Object.values(CONNECTION_FLAGS).flatMap(({ spelling }) =>
      spelling.replace(/ <.*/, '').split(', '),
    );
    expect(new Set(words)).toEqual(CONNECTION_WORDS);
  });
});
