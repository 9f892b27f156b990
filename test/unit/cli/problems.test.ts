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
  students: ['alcie', 'bbo'],
  classroom: 'python-101',
  meant: 'alice',
  waitedFor: 'The engine loads the model.',
  forText: '600 s',
  place: 'http://gateway/v1',
  service: 'school/gateway',
  code: 'class_closed',
  ids: ['alice', 'bob'],
  faults: ["line 7, column C (tokensPerDay): must be a whole number, not 'many'"],
  missing: ['alice: the key is being replaced'],
  issues: ['spec.model.id must be set'],
  suggestions: ['Take a smaller model.'],
  gpu: 'A11',
  products: ['NVIDIA-A10', 'NVIDIA-A10G'],
  command: 'kubectl classroom keys rotate',
  done: 3,
  left: ['bob'],
  total: 5,
  text: '18:30',
  now: 'Mon 2026-11-23 19:00 (Europe/Berlin)',
  another: '2026-11-24T18:30',
  until: 'Tue 2026-11-24 09:00 (Europe/Berlin)',
  open: 'kubectl classroom open python-101',
  close: 'kubectl classroom close python-101',
  start: 'kubectl classroom exam start python-101',
  stop: 'kubectl classroom exam stop python-101',
  edit: 'kubectl edit classroom python-101',
  access: 'Open',
};
const ALICE_OR_BOB = ['alice', 'bob'];

/** Every entry of the catalogue, with all that it can be told, and with as little as it may be. */
const made: Readonly<Record<keyof typeof problems, readonly CliError[]>> = {
  noKubeconfig: [problems.noKubeconfig(facts)],
  kubeconfigUnusable: [problems.kubeconfigUnusable(facts)],
  noCredentials: [problems.noCredentials(facts)],
  unreachable: [problems.unreachable(facts)],
  noAnswerInTime: [problems.noAnswerInTime(facts)],
  notLoggedIn: [problems.notLoggedIn(facts)],
  forbidden: [problems.forbidden(facts)],
  notInstalled: [problems.notInstalled(facts)],
  refused: [problems.refused({ ...facts, what: 'There is such an object already.' })],
  conflict: [problems.conflict(facts)],
  clusterFailed: [problems.clusterFailed(facts)],
  interrupted: [problems.interrupted()],
  classNotFound: [
    problems.classNotFound(facts),
    problems.classNotFound({ name: 'python-101', namespace: 'school' }),
    problems.classNotFound({ ...facts, others: [] }),
  ],
  pathUnusable: [problems.pathUnusable({ path: '.status[', why: 'Unexpected end' })],
  notFound: [problems.notFound(facts), problems.notFound({ ...facts, namespace: undefined, there: [] })],
  noClass: [problems.noClass(facts)],
  classNotNamed: [problems.classNotNamed(facts)],
  seatNotFound: [problems.seatNotFound(facts), problems.seatNotFound({ ...facts, meant: undefined })],
  fileUnreadable: [problems.fileUnreadable(facts)],
  rosterUnusable: [problems.rosterUnusable(facts)],
  rosterRefused: [problems.rosterRefused(facts)],
  enrolmentStopped: [problems.enrolmentStopped(facts)],
  replacementStopped: [problems.replacementStopped(facts)],
  suspensionStopped: [problems.suspensionStopped(facts)],
  seatsNotFound: [
    problems.seatsNotFound({ ...facts, meant: ALICE_OR_BOB }),
    problems.seatsNotFound({ ...facts, meant: [] }),
  ],
  noSeats: [problems.noSeats(facts)],
  keysMissing: [problems.keysMissing(facts)],
  notWritten: [problems.notWritten(facts)],
  classDoesNotFit: [
    problems.classDoesNotFit(facts),
    problems.classDoesNotFit({ why: 'the reason', suggestions: [] }),
  ],
  classExists: [problems.classExists(facts)],
  noNamespace: [problems.noNamespace(facts)],
  classInvalid: [problems.classInvalid(facts)],
  gpuUnknown: [problems.gpuUnknown(facts), problems.gpuUnknown({ gpu: 'A11', products: [] })],
  gpuAmbiguous: [problems.gpuAmbiguous(facts)],
  momentPassed: [problems.momentPassed(facts), problems.momentPassed({ ...facts, another: undefined })],
  closedByTimetable: [
    problems.closedByTimetable(facts),
    problems.closedByTimetable({ ...facts, until: undefined }),
  ],
  neverCloses: [problems.neverCloses(facts)],
  nothingToExtend: [problems.nothingToExtend(facts)],
  examRuns: [problems.examRuns(facts)],
  examRunsAlready: [problems.examRunsAlready(facts), problems.examRunsAlready({ ...facts, why: undefined })],
  noExam: [problems.noExam(facts)],
  confirmationNeeded: [problems.confirmationNeeded({ what: 'This ends the keys of 3 students.' })],
  notConfirmed: [problems.notConfirmed()],
  classCannotServe: [problems.classCannotServe(facts)],
  waitedInVain: [problems.waitedInVain(facts)],
  gatewayUnknown: [problems.gatewayUnknown(facts)],
  reportKeyMissing: [problems.reportKeyMissing(facts)],
  reportUnreadable: [problems.reportUnreadable(facts)],
  gatewayUnreachable: [problems.gatewayUnreachable(facts)],
  gatewaySilent: [problems.gatewaySilent(facts)],
  gatewayNotAllowed: [problems.gatewayNotAllowed(facts)],
  gatewayRefused: [
    problems.gatewayRefused(facts),
    problems.gatewayRefused({ ...facts, code: undefined }),
    problems.gatewayRefused({ ...facts, code: 'outside_session' }),
  ],
  nothingAsked: [problems.nothingAsked()],
  answerBroken: [problems.answerBroken(facts)],
  nobodyEnrolled: [problems.nobodyEnrolled(facts)],
  studentNotNamed: [problems.studentNotNamed(facts)],
  keyMissing: [problems.keyMissing(facts), problems.keyMissing({ student: 'alice', why: undefined })],
  nodesNotReadable: [problems.nodesNotReadable()],
  noGpuOnNodes: [problems.noGpuOnNodes()],
};

test.each(Object.entries(made).flatMap(([name, errors]) => errors.map((error) => [name, error] as const)))(
  '%s says what happened as a sentence, and what to do next',
  (_, { problem }) => {
    const { what, why, next, exitCode } = problem;
    expect(what).toMatch(/^[A-Z\d].*[.?]$/);
    expect(next).toMatch(/^[A-Z]/);
    expect(exitCode).not.toBe(0);
    for (const text of [what, why ?? '', next]) {
      expect(text).not.toMatch(/undefined|null|NaN|\[object|[ ,:]{3}/);
    }
    expect(why).not.toBe('');
  },
);

test('what a command can be told of is all of the catalogue', () => {
  expect(Object.keys(made).sort()).toEqual(Object.keys(problems).sort());
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

test('names and answers that are quoted do nothing to a terminal', () => {
  const machine = recordedMachine();
  tellProblem(problems.gatewayRefused({ ...facts, why: 'so: \u001b[2J\u001b]52;c;eA==\u0007' }), machine);
  expect(machine.written().stderr).toContain('  so: [2J]52;c;eA==\n');
});
