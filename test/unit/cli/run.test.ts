import { describe, expect, test } from '@jest/globals';
import type { Command } from '../../../src/cli/command.ts';
import { type Cli, runCli } from '../../../src/cli/run.ts';
import { recordedMachine } from '../../support/terminal.ts';

/** Prints its arguments. */
const echo: Command = {
  name: 'echo',
  summary: 'Says it again',
  load: async () => ({
    usage: { description: 'Says it again.', flags: {}, examples: [] },
    run: (argv, { stdout }) => {
      stdout.write(`${argv.join(' ')}\n`);
      return 0;
    },
  }),
};

const cli: Cli = { commands: [echo], version: '1.2.3' };

const run = async (...argv: string[]) => {
  const terminal = recordedMachine();
  return { code: await runCli(cli, argv, terminal), ...terminal.written() };
};

test('a command gets what follows its name', async () => {
  expect(await run('echo', '--loud', 'hello')).toEqual({ code: 0, stdout: '--loud hello\n', stderr: '' });
});

test.each(['--version', '-V'])('%s says the version of the product', async (flag) => {
  expect(await run(flag)).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' });
});

test.each(['--help', '-h', 'help'])('%s lists the commands', async (word) => {
  const { code, stdout } = await run(word);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}echo {2}Says it again$/m);
});

test('`help echo` is `echo --help`', async () => {
  expect(await run('help', 'echo')).toMatchObject({ code: 0, stdout: '--help\n' });
});

describe('what cannot be run ends with 2 and leaves standard output empty', () => {
  test('no command', async () => {
    expect(await run()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Commands:') });
  });

  test('a command misspelled', async () => {
    const stderr = expect.stringContaining("'ehco' is no command of kubectl classroom");
    expect(await run('ehco')).toMatchObject({ code: 2, stdout: '', stderr });
  });
});
