import { API_GROUP } from '../api/group.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { CliError } from './problem.ts';
import { counted } from './status/counted.ts';

/** Where the cluster failed in the middle of a change of many seats. */
export interface Stopped {
  readonly done: number;
  /** Ids of the students for whom it is still to be done. */
  readonly left: readonly string[];
  readonly why: string;
}

const OPEN_NOW = 'To open the class now, for an hour: kubectl classroom open --for 1h';
/** By the code of the gateway; for the others one looks at the class. */
const NEXT_WHEN_REFUSED: Readonly<Record<string, string>> = {
  class_closed: OPEN_NOW,
  outside_session: OPEN_NOW,
  invalid_report_days: 'Name local days of the class up to today by --since and --until, or leave them out.',
};

/**
 * The catalogue of all that can go wrong in a command, by name: what happened, why, and what to do next. An entry makes
 * the error; who meets the problem throws it. Mistakes in the command line are told by src/command-line/parse.ts.
 */
export const problems = {
  // The way to the cluster

  noKubeconfig: ({ path }: { path: string }) =>
    new CliError({
      what: `There is no kubeconfig ${path}, so no cluster is known.`,
      next: 'Name the file by --kubeconfig or in KUBECONFIG; who runs the cluster can give you one.',
    }),

  kubeconfigUnusable: ({ why }: { why: string }) =>
    new CliError({
      what: 'The kubeconfig cannot be used.',
      why,
      next: 'See what it holds: kubectl config get-contexts',
    }),

  noCredentials: ({ server, why }: { server: string; why: string }) =>
    new CliError({
      what: `There are no credentials for the cluster at ${server}.`,
      why,
      next: 'Log in again as you do for this cluster, then see whether kubectl works: kubectl auth whoami',
    }),

  unreachable: ({ server, why }: { server: string; why: string }) =>
    new CliError({
      what: `The cluster at ${server} does not answer.`,
      why,
      next: 'Is it running, and are you in its network (VPN)? Another cluster is chosen by --context.',
    }),

  noAnswerInTime: ({ why }: { why: string }) =>
    new CliError({
      what: 'The cluster did not answer in time.',
      why,
      next: 'Try again, or wait longer: --request-timeout 2m',
    }),

  notLoggedIn: ({ server }: { server: string }) =>
    new CliError({
      what: `The cluster at ${server} does not know you: your credentials are not valid, or not any more.`,
      next: 'Log in again as you do for this cluster, then see whether kubectl works: kubectl auth whoami',
    }),

  forbidden: ({ why }: { why: string }) =>
    new CliError({
      what: 'You may not do that on this cluster.',
      why,
      next: 'Ask who runs the cluster for a role in this namespace: trainer to work with classes, platform to make and remove them too. What you may do: kubectl auth can-i --list',
    }),

  notInstalled: ({ server }: { server: string }) =>
    new CliError({
      what: `GPU Classroom is not installed on the cluster at ${server}: it does not know ${API_GROUP}.`,
      next: 'Install it by its Helm chart, or choose another cluster by --context.',
    }),

  refused: ({ what, why }: { what: string; why: string }) =>
    new CliError({ what, why, next: 'Correct that and try again; nothing was changed.' }),

  conflict: ({ why }: { why: string }) =>
    new CliError({
      what: 'Somebody else changed the object at the same time.',
      why,
      next: 'Look at it again, then repeat the command if it is still wanted.',
    }),

  clusterFailed: ({ status, why }: { status: number; why: string }) =>
    new CliError({
      what: `The cluster failed to answer (HTTP ${status}).`,
      why,
      next: 'Try again; if it stays, tell who runs the cluster.',
    }),

  interrupted: () =>
    new CliError({
      what: 'Interrupted.',
      next: 'What was done until then stays; the command can be repeated.',
      exitCode: EXIT_CODES.interrupted,
    }),

  // Objects that are named

  classNotFound: ({
    name,
    namespace,
    others,
  }: {
    name: string;
    namespace: string;
    /** Classes of the namespace, where they are known. */
    others?: readonly string[];
  }) =>
    new CliError({
      what: `There is no class "${name}" in namespace "${namespace}".`,
      why:
        others && (others.length === 0 ? 'That namespace has no class.' : `There is ${others.join(', ')}.`),
      next: 'See all classes: kubectl classroom get -A',
    }),

  pathUnusable: ({ path, why }: { path: string; why: string }) =>
    new CliError({
      what: `The path "${path}" of a column cannot be read.`,
      why,
      next: 'Paths are as of kubectl, such as .metadata.name or .status.conditions[?(@.type=="Ready")].status',
      exitCode: EXIT_CODES.usage,
    }),

  notFound: ({
    subject,
    names,
    namespace,
    there,
  }: {
    subject: string;
    names: readonly string[];
    /** Undefined: all were looked at. */
    namespace: string | undefined;
    there: readonly string[];
  }) => {
    const place = namespace === undefined ? 'of all namespaces' : `of namespace "${namespace}"`;
    return new CliError({
      what: `There is no ${names.map((name) => `"${name}"`).join(', ')} among the ${subject} ${place}.`,
      why: there.length === 0 ? 'There are none.' : `There is ${there.join(', ')}.`,
      next: `See those of all namespaces: kubectl classroom get ${subject} -A`,
    });
  },

  noClass: ({ namespace }: { namespace: string }) =>
    new CliError({
      what: `There is no class in namespace "${namespace}".`,
      next: 'See all classes: kubectl classroom get -A; make one: kubectl classroom create --help',
    }),

  classNotNamed: ({ namespace, names }: { namespace: string; names: readonly string[] }) =>
    new CliError({
      what: `Which class is meant? Namespace "${namespace}" has ${names.length}.`,
      why: `There is ${names.join(', ')}.`,
      next: 'Name one after the command.',
      exitCode: EXIT_CODES.usage,
    }),

  seatNotFound: ({
    student,
    classroom,
    meant,
  }: {
    student: string;
    classroom: string;
    meant: string | undefined;
  }) =>
    new CliError({
      what: `Nobody with the id "${student}" has a seat in the class "${classroom}".`,
      ...(meant === undefined ? {} : { why: `Did you mean ${meant}?` }),
      next: `See who has one: kubectl classroom get students --class ${classroom}`,
    }),

  // Rosters and keys

  fileUnreadable: ({ path, why }: { path: string; why: string }) =>
    new CliError({
      what: `The file ${path} cannot be read.`,
      why,
      next: 'Name a file that is there; - is the standard input. Nothing was changed.',
      exitCode: EXIT_CODES.usage,
    }),

  rosterUnusable: ({ path, faults }: { path: string; faults: readonly string[] }) =>
    new CliError({
      what: `The roster ${path} cannot be used.`,
      why: faults.join('\n'),
      next: 'Correct that and try again; nothing was changed.',
      exitCode: EXIT_CODES.usage,
    }),

  rosterRefused: ({ path, faults }: { path: string; faults: readonly string[] }) =>
    new CliError({
      what: `The cluster refuses what the roster ${path} asks for.`,
      why: faults.join('\n'),
      next: 'Correct that and try again; nobody was enrolled, nothing was changed.',
    }),

  enrolmentStopped: ({ done, total, why }: { done: number; total: number; why: string }) =>
    new CliError({
      what: `${done} of ${total} changes were made, then the cluster failed.`,
      why,
      next: 'Repeat the command: it makes those that are missing.',
    }),

  replacementStopped: ({ done, left, why, command }: Stopped & { command: string }) =>
    new CliError({
      what: `New keys were asked for ${done} of ${done + left.length} students, then the cluster failed.`,
      why,
      next: `For the others: ${command} --students ${left.join(',')}`,
    }),

  suspensionStopped: ({ done, left, why, command }: Stopped & { command: string }) =>
    new CliError({
      what: `${done} of ${done + left.length} seats are as wanted, then the cluster failed.`,
      why,
      next: `For the others: ${command} ${left.join(' ')}`,
    }),

  seatsNotFound: ({
    students,
    classroom,
    meant,
  }: {
    students: readonly string[];
    classroom: string;
    meant: readonly string[];
  }) =>
    new CliError({
      what: `Nobody with the id ${students.map((id) => `"${id}"`).join(', ')} has a seat in the class "${classroom}".`,
      ...(meant.length === 0 ? {} : { why: `Did you mean ${meant.join(', ')}?` }),
      next: `Nothing was done. See who has one: kubectl classroom get students --class ${classroom}`,
    }),

  noSeats: ({ classroom }: { classroom: string }) =>
    new CliError({
      what: `The class "${classroom}" has no students.`,
      next: `Enrol them: kubectl classroom enroll ${classroom} -f roster.csv`,
    }),

  keysMissing: ({ classroom, missing }: { classroom: string; missing: readonly string[] }) =>
    new CliError({
      what: `There is no key to hand out for ${counted(missing.length, 'student')} of the class "${classroom}".`,
      why: missing.join('\n'),
      next: 'Nothing was written. Wait for them: --wait; or hand out those there are: --skip-missing',
    }),

  notWritten: ({ path, why }: { path: string; why: string }) =>
    new CliError({
      what: `The file ${path} cannot be written.`,
      why,
      next: 'Name another place by --to.',
    }),

  classDoesNotFit: ({ why, suggestions }: { why: string; suggestions: readonly string[] }) =>
    new CliError({
      what: 'Such a class does not fit its GPU; it was not made.',
      why: [why, ...suggestions.map((suggestion) => `- ${suggestion}`)].join('\n'),
      next: 'The whole sum: kubectl classroom plan with the same --model and --gpu',
      exitCode: EXIT_CODES.doesNotFit,
    }),

  classExists: ({ name, namespace }: { name: string; namespace: string }) =>
    new CliError({
      what: `There is a class "${name}" in namespace "${namespace}" already; it was left as it is.`,
      next: `Change it: kubectl edit classroom ${name} -n ${namespace}; or choose another name.`,
    }),

  noNamespace: ({ namespace }: { namespace: string }) =>
    new CliError({
      what: `There is no namespace "${namespace}".`,
      next: `Make it: kubectl create namespace ${namespace}; or choose another one by -n.`,
    }),

  classInvalid: ({ name, issues }: { name: string; issues: readonly string[] }) =>
    new CliError({
      what: `The class "${name}" cannot be made so.`,
      why: issues.join('\n'),
      next: 'Correct that and try again; nothing was made.',
      exitCode: EXIT_CODES.usage,
    }),

  gpuUnknown: ({ gpu, products }: { gpu: string; products: readonly string[] }) =>
    new CliError({
      what: `There is no GPU "${gpu}".`,
      why:
        products.length === 0
          ? 'No node tells its GPUs, and the table does not have it.'
          : `The nodes have ${products.join(', ')}.`,
      next: 'Name one as nodes do in the label nvidia.com/gpu.product; nothing was made.',
      exitCode: EXIT_CODES.usage,
    }),

  gpuAmbiguous: ({ gpu, products }: { gpu: string; products: readonly string[] }) =>
    new CliError({
      what: `Which GPU is meant by "${gpu}"?`,
      why: `The nodes have ${products.join(', ')}.`,
      next: 'Name one of them by --gpu; nothing was made.',
      exitCode: EXIT_CODES.usage,
    }),

  // The life of a class

  momentPassed: ({
    text,
    now,
    another,
  }: {
    text: string;
    /** Of the class's clock. */
    now: string;
    /** Of a time without a date: the same on another day. */
    another: string | undefined;
  }) =>
    new CliError({
      what: `The time ${text} has passed; nothing was changed.`,
      why: `It is ${now} by the clock of the class.`,
      next:
        another !== undefined
          ? `For another day write the date too: --until ${another}; or how long: --for 2h`
          : 'Name a moment that is to come, or how long: --for 2h',
      exitCode: EXIT_CODES.usage,
    }),

  closedByTimetable: ({
    name,
    until,
    open,
  }: {
    name: string;
    /** In words; undefined: it does not open within a year. */
    until: string | undefined;
    open: string;
  }) =>
    new CliError({
      what: `Access to "${name}" is open already, and its timetable keeps it closed.`,
      why: until === undefined ? 'No session comes within a year.' : `It is closed until ${until}.`,
      next: `Open it for a while: ${open} --for 2h`,
    }),

  neverCloses: ({ name, close }: { name: string; close: string }) =>
    new CliError({
      what: `No timetable closes "${name}": --for, --until and extend would have no effect.`,
      next: `Open it without them, and when it is to be closed: ${close}`,
    }),

  nothingToExtend: ({ why, open }: { why: string; open: string }) =>
    new CliError({
      what: 'There is nothing to extend: the class is closed.',
      why,
      next: `Open it: ${open}`,
    }),

  examRuns: ({ name, stop, open }: { name: string; stop: string; open: string }) =>
    new CliError({
      what: `The class "${name}" is in an exam: use exam stop.`,
      next: `End the exam: ${stop}; to have the class open for longer, in the exam: ${open} --for 1h`,
    }),

  examRunsAlready: ({
    name,
    why,
    stop,
    edit,
  }: {
    name: string;
    why: string | undefined;
    stop: string;
    edit: string;
  }) =>
    new CliError({
      what: `The class "${name}" is in an exam already.`,
      why,
      next: `End it first: ${stop}; to change who sits it, and how, in \`spec.exam\`: ${edit}`,
    }),

  noExam: ({ name, access, start }: { name: string; access: string; start: string }) =>
    new CliError({
      what: `The class "${name}" is in no exam: its access is ${access}.`,
      next: `Begin one: ${start}`,
    }),

  // Asking and waiting

  confirmationNeeded: ({ what }: { what: string }) =>
    new CliError({
      what: `${what} That needs a yes, and nobody is there to ask.`,
      next: 'Add --yes if it is meant; nothing was changed.',
      exitCode: EXIT_CODES.usage,
    }),

  notConfirmed: () =>
    new CliError({ what: 'Not confirmed.', next: 'Nothing was changed.', exitCode: EXIT_CODES.failed }),

  classCannotServe: ({ name, namespace, why }: { name: string; namespace: string; why: string }) =>
    new CliError({
      what: `Class "${name}" cannot serve as it is written, so nothing is waited for.`,
      why,
      next: `Change the class; what would fit: kubectl classroom plan ${name} -n ${namespace}`,
    }),

  waitedInVain: ({ what, waitedFor, forText }: { what: string; waitedFor: string; forText: string }) =>
    new CliError({
      what: `${what} is not there yet after ${forText}: ${waitedFor}`,
      next: 'It goes on by itself. See how it is: kubectl classroom status; wait longer: --timeout 30m',
      exitCode: EXIT_CODES.waitedInVain,
    }),

  // The gateway

  gatewayUnknown: ({ classroom }: { classroom: string }) =>
    new CliError({
      what: `Nobody has said where the gateway of the class "${classroom}" is.`,
      why: 'The operator writes it into the status of the class, and has not done so yet.',
      next: `See whether the operator runs: kubectl classroom doctor ${classroom}; another way to the gateway is taken with --gateway-url.`,
    }),

  reportKeyMissing: ({ classroom }: { classroom: string }) =>
    new CliError({
      what: `The class "${classroom}" has no key for its report yet.`,
      why: 'The operator makes it, together with the class, and the Secret that the status names is not there.',
      next: `See whether the operator runs, and what it says: kubectl classroom doctor ${classroom}`,
    }),

  reportUnreadable: ({ place, why }: { place: string; why: string }) =>
    new CliError({
      what: `What the gateway at ${place} answered is no report that this program can read.`,
      why: `${why}.`,
      next: 'Try again. If that does not help, gateway and program are of versions that do not fit: kubectl classroom --version',
    }),

  gatewayUnreachable: ({ place, why }: { place: string; why: string }) =>
    new CliError({
      what: `The gateway at ${place} cannot be reached.`,
      why,
      next: 'Does it run: kubectl get pods -A -l app.kubernetes.io/component=gateway. From a place that has no way there, forward a port of it and name that: --gateway-url http://127.0.0.1:8080/v1',
    }),

  gatewaySilent: ({ place }: { place: string }) =>
    new CliError({
      what: `The gateway at ${place} takes requests and did not answer in time.`,
      next: 'The engines may be loading, or busy: kubectl classroom status',
    }),

  gatewayNotAllowed: ({ service, why }: { service: string; why: string }) =>
    new CliError({
      what: `You may not ask the gateway through the API server: its Service ${service} has an address for the cluster only.`,
      why,
      next: 'Ask who runs the cluster for the right "create" and "get" on "services/proxy" there, or for an address of the gateway for people: the value gateway.baseURL of the chart, and --gateway-url here.',
    }),

  gatewayRefused: ({ status, code, why }: { status: number; code: string | undefined; why: string }) =>
    new CliError({
      what: `The gateway refuses the request: HTTP ${status}${code === undefined ? '' : `, ${code}`}.`,
      why,
      next: NEXT_WHEN_REFUSED[code ?? ''] ?? 'How the class is: kubectl classroom status',
      passes: status === 429 || status === 503,
    }),

  nothingAsked: () =>
    new CliError({
      what: 'There is no question: the standard input is empty.',
      next: 'Write one after -m, or send one to the standard input; the class was not asked.',
      exitCode: EXIT_CODES.usage,
    }),

  answerBroken: ({ why }: { why: string }) =>
    new CliError({
      what: 'The answer broke off.',
      why,
      next: 'Ask again; what the engines say: kubectl classroom logs',
    }),

  nobodyEnrolled: ({ classroom }: { classroom: string }) =>
    new CliError({
      what: `The class "${classroom}" has no student yet.`,
      next: `Enrol some: kubectl classroom enroll ${classroom} -f roster.csv`,
    }),

  studentNotNamed: ({ classroom, ids }: { classroom: string; ids: readonly string[] }) =>
    new CliError({
      what: `As which student of the class "${classroom}"? It has ${ids.length}.`,
      why: `There is ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ' and others' : ''}.`,
      next: `Name one: --student ${ids[0]}`,
      exitCode: EXIT_CODES.usage,
    }),

  keyMissing: ({ student, why }: { student: string; why: string | undefined }) =>
    new CliError({
      what: `The student "${student}" has no key yet.`,
      why,
      next: `What the cluster says of the seat: kubectl classroom describe --student ${student}`,
    }),

  nodesNotReadable: () =>
    new CliError({
      what: 'You may not read the nodes, so their GPUs are not known here.',
      next: 'Name the GPUs instead: --gpu A10,L4',
    }),

  noGpuOnNodes: () =>
    new CliError({
      what: 'No node of this cluster offers a GPU of which is known what it is.',
      next: 'See what is missing: kubectl classroom doctor; or name GPUs: --gpu A10,L4',
    }),
} as const satisfies Record<string, (facts: never) => CliError>;
