import { API_GROUP } from '../api/group.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { CliError } from './problem.ts';

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
      next: 'Ask who runs the cluster for the role of a trainer in this namespace. What you may do: kubectl auth can-i --list',
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
    others: readonly string[];
  }) =>
    new CliError({
      what: `There is no class "${name}" in namespace "${namespace}".`,
      why: others.length === 0 ? 'That namespace has no class.' : `There is ${others.join(', ')}.`,
      next: 'See all classes: kubectl classroom get -A',
    }),

  notFound: ({
    subject,
    names,
    namespace,
    there,
  }: {
    subject: string;
    names: readonly string[];
    namespace: string;
    there: readonly string[];
  }) =>
    new CliError({
      what: `There is no ${names.map((name) => `"${name}"`).join(', ')} among the ${subject} of namespace "${namespace}".`,
      why: there.length === 0 ? 'There are none.' : `There is ${there.join(', ')}.`,
      next: `See those of all namespaces: kubectl classroom get ${subject} -A`,
    }),

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

  // Asking and waiting

  confirmationNeeded: ({ what }: { what: string }) =>
    new CliError({
      what: `${what} That needs a yes, and nobody is there to ask.`,
      next: 'Add --yes if it is meant; nothing was changed.',
      exitCode: EXIT_CODES.usage,
    }),

  notConfirmed: () =>
    new CliError({ what: 'Not confirmed.', next: 'Nothing was changed.', exitCode: EXIT_CODES.failed }),

  classCannotServe: ({ name, why }: { name: string; why: string }) =>
    new CliError({
      what: `Class "${name}" cannot serve as it is written, so nothing is waited for.`,
      why,
      next: `Change the class; what would fit: kubectl get classroom ${name} -o yaml | kubectl classroom plan --from -`,
    }),

  waitedInVain: ({ what, waitedFor, forText }: { what: string; waitedFor: string; forText: string }) =>
    new CliError({
      what: `${what} is not there yet after ${forText}: ${waitedFor}`,
      next: 'It goes on by itself. See how it is: kubectl classroom status; wait longer: --timeout 30m',
      exitCode: EXIT_CODES.waitedInVain,
    }),
} as const satisfies Record<string, (facts: never) => CliError>;
