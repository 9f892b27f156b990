import { describe, expect, test } from '@jest/globals';
import type { Known } from '../../../../src/cli/command.ts';
import { COMMANDS } from '../../../../src/cli/commands.ts';
import { complete } from '../../../../src/cli/completion/complete.ts';
import { printCompletions } from '../../../../src/cli/completion/print.ts';
import { groupOf } from '../../../../src/cli/group.ts';
import { recordedMachine } from '../../../support/terminal.ts';

const program = groupOf({ name: '', description: 'The program.', commands: COMMANDS });

/** A cluster that has these. */
const known: Known = {
  classes: async () => ['biology', 'python-101'],
  students: async (classroom) => (classroom === 'biology' ? ['carol'] : ['alice', 'bob', 'carol']),
  engines: async () => ['python-101-engine-1'],
  namespaces: async () => ['default', 'school'],
  contexts: async () => ['lab', 'lecture'],
};

/** @param line the last word is being typed; a blank at the end begins a new one */
const offered = async (line: string) => {
  const { candidates, files } = await complete(program, line.split(' '), known);
  return { words: candidates.map(({ word }) => word), files };
};

test('the names of all commands, with what they do', async () => {
  const { candidates } = await complete(program, [''], known);
  expect(candidates).toEqual(COMMANDS.map(({ name, summary }) => ({ word: name, about: summary })));
});

test.each<[string, string, string[]]>([
  ['a command by its beginning', 'stat', ['status']],
  ['a command after flags of the connection', '-n school stat', ['status']],
  ['what get can show, and classes', 'get ', ['classes', 'students', 'engines', 'biology', 'python-101']],
  ['the students after the word', 'get students b', ['bob']],
  ['the engines after the word', 'get engines ', ['python-101-engine-1']],
  ['a class', 'status py', ['python-101']],
  ['no second class where one is taken', 'status python-101 ', []],
  ['flags by their beginning', 'status --w', ['--wait']],
  ['formats of the command', 'get -o ', ['table', 'wide', 'json', 'yaml', 'name']],
  ['formats after the sign', 'status --output=j', ['--output=json']],
  ['namespaces', 'status -n s', ['school']],
  ['namespaces before the command', '-n s', ['school']],
  ['contexts', 'get --context l', ['lab', 'lecture']],
  ['the students of the class that stands before', 'describe biology --student ', ['carol']],
  ['no command for the value of a flag', 'get -n get', []],
  ['a command below another', 'keys rot', ['rotate']],
  ['the class of any command', 'keys rotate py', ['python-101']],
  ['the first of several students', 'keys rotate biology --students ', ['carol']],
  ['the next of several students', 'keys rotate python-101 --students alice,b', ['alice,bob']],
  ['the next of several students after the sign', 'keys export x --students=a,b', ['--students=a,bob']],
  ['a class that is opened', 'open py', ['python-101']],
  ['a class, then by how much', 'extend ', ['biology', 'python-101']],
  ['by how much', 'extend python-101 3', ['30m']],
  ['the class of an exam', 'exam start py', ['python-101']],
  ['who sits an exam', 'exam start python-101 --students alice,b', ['alice,bob']],
  ['the student after the class', 'boost biology ', ['carol']],
  ['the first of several students without a flag', 'suspend biology ', ['carol']],
  ['the next of several students without a flag', 'resume python-101 alice b', ['bob']],
  ['engines', 'logs python-101 --engine ', ['python-101-engine-1']],
  ['no name for something new', 'create ', []],
  ['shells', 'completion ', ['bash', 'zsh', 'fish', 'kubectl']],
])('%s', async (_, line, want) => {
  expect((await offered(line)).words).toEqual(want);
});

describe('names of files', () => {
  test('are the business of the shell', async () => {
    expect(await offered('plan --from ')).toEqual({ words: [], files: true });
    expect(await offered('get --kubeconfig ')).toEqual({ words: [], files: true });
    expect(await offered('enroll python-101 -f ')).toEqual({ words: [], files: true });
    expect(await offered('exam start python-101 -f ')).toEqual({ words: [], files: true });
    expect(await offered('keys export python-101 --to ')).toEqual({ words: [], files: true });
  });

  test('are not offered where they make no sense', async () => {
    expect(await offered('status --timeout ')).toEqual({ words: [], files: false });
  });
});

describe('as kubectl reads it', () => {
  test('a candidate a line, with what it is after a tab, and a directive at the end', async () => {
    const machine = recordedMachine();
    await printCompletions(program, ['status', '--wa'], machine);
    expect(machine.written()).toEqual({
      stdout: '--wait\tcome back when students are served\n:4\n',
      stderr: '',
    });
  });

  test('without a cluster nothing is offered, and nothing is said', async () => {
    const machine = recordedMachine();
    await printCompletions(program, ['status', ''], machine);
    expect(machine.written()).toEqual({ stdout: ':4\n', stderr: '' });
  });

  test('contexts come from the kubeconfig alone', async () => {
    const kubeconfig = 'contexts: [{name: lab, context: {cluster: a}}, {name: home, context: {cluster: b}}]';
    const machine = recordedMachine({
      env: { KUBECONFIG: '/a:/missing:/broken' },
      readFile: async (path) => {
        if (path === '/missing') throw new Error(`no ${path}`);
        return Buffer.from(path === '/a' ? kubeconfig : '{');
      },
    });
    await printCompletions(program, ['get', '--context', ''], machine);
    expect(machine.written().stdout).toBe('lab\nhome\n:4\n');
  });
});
