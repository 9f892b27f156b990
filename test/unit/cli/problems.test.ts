import { expect, test } from '@jest/globals';
import { CliError, tellProblem } from '../../../src/cli/problem.ts';
import { problems } from '../../../src/cli/problems.ts';
import { recordedMachine } from '../../support/terminal.ts';

const facts = {
  path: '/home/ada/.kube/config',
  why: 'the reason',
  what: 'Class "x"',
  server: 'https://10.0.0.1:6443',
  status: 500,
  name: 'python-101',
  namespace: 'school',
  subject: 'classes',
  names: ['python-101'],
  others: ['biology'],
  there: ['biology'],
  student: 'alcie',
  classroom: 'python-101',
  meant: 'alice',
  waitedFor: 'The engine loads the model.',
  forText: '600 s',
  place: 'http://gateway/v1',
  service: 'school/gateway',
  code: 'class_closed',
  ids: ['alice', 'bob'],
};

/** Entries of the foundation; those of a command are tested with the command. */
const made = [
  problems.noKubeconfig(facts),
  problems.kubeconfigUnusable(facts),
  problems.noCredentials(facts),
  problems.unreachable(facts),
  problems.noAnswerInTime(facts),
  problems.notLoggedIn(facts),
  problems.forbidden(facts),
  problems.notInstalled(facts),
  problems.refused({ ...facts, what: 'There is such an object already.' }),
  problems.conflict(facts),
  problems.clusterFailed(facts),
  problems.interrupted(),
  problems.classNotFound(facts),
  problems.notFound(facts),
  problems.noClass(facts),
  problems.classNotNamed(facts),
  problems.seatNotFound(facts),
  problems.confirmationNeeded(facts),
  problems.notConfirmed(),
  problems.classCannotServe(facts),
  problems.waitedInVain(facts),
  problems.gatewayUnknown(facts),
  problems.reportKeyMissing(facts),
  problems.reportUnreadable(facts),
  problems.gatewayUnreachable(facts),
  problems.gatewaySilent(facts),
  problems.gatewayNotAllowed(facts),
  problems.gatewayRefused(facts),
  problems.answerBroken(facts),
  problems.nobodyEnrolled(facts),
  problems.studentNotNamed(facts),
  problems.keyMissing(facts),
  problems.nodesNotReadable(),
  problems.noGpuOnNodes(),
];

test.each(made.map((error) => [error.message, error] as const))('%s', (_, { problem }) => {
  expect(problem.what).toMatch(/^[A-Z].*[.?]$/);
  expect(problem.next).not.toBe('');
  expect(problem.exitCode).not.toBe(0);
  expect(JSON.stringify(problem)).not.toContain('undefined');
});

test('a problem is told on standard error: what, why and what next, and ends with 1', () => {
  const machine = recordedMachine();
  const error = new CliError({
    what: 'It rains.',
    why: 'A cloud came.\nAnd another.',
    next: 'Take an umbrella.',
  });
  expect(tellProblem(error, machine)).toBe(1);
  expect(machine.written()).toEqual({
    stdout: '',
    stderr: 'error: It rains.\n  A cloud came.\n  And another.\n  Take an umbrella.\n',
  });
});

test('a problem may have an exit code of its own', () => {
  const machine = recordedMachine();
  expect(tellProblem(problems.interrupted(), machine)).toBe(130);
});
