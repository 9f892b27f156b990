import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { nonEmpty, onOrOff, positiveDuration } from '../../command-line/values.ts';
import { enginePodsOf, findClassroom, seatsOf } from '../cluster/class-objects.ts';
import { type Cluster, type ClusterCommand, clusterCommand } from '../cluster/command.ts';
import { observeGpus } from '../cluster/gpus.ts';
import { ifAllowed } from '../cluster/if-allowed.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { GATEWAY_FLAGS, GATEWAY_SHAPE } from '../gateway/flags.ts';
import { OUTPUT_FLAGS, OUTPUT_SHAPE, render } from '../output.ts';
import { CliError } from '../problem.ts';
import { withProgress } from '../progress.ts';
import { lookAt } from '../status/text.ts';
import { checkClass } from './class.ts';
import { checkCluster } from './cluster.ts';
import type { Finding } from './finding.ts';
import { checkGateway } from './gateway.ts';
import { checkGpus } from './gpus.ts';
import { guarded, refusedFinding } from './not-allowed.ts';
import { checkProcesses } from './operator.ts';
import { checkOwnRights } from './rights.ts';
import { type Diagnosis, diagnosisText } from './text.ts';

const doctorSchema = z.object({
  class: nonEmpty.optional(),
  student: nonEmpty.optional(),
  request: onOrOff,
  timeout: positiveDuration,
  ...GATEWAY_SHAPE,
  ...OUTPUT_SHAPE,
});
type DoctorOptions = z.output<typeof doctorSchema>;

const DOCTOR: ClusterCommand<typeof doctorSchema> = {
  name: 'doctor',
  description:
    'Checks cluster, rights, operator, GPUs, a class and the way of a student through the gateway to an engine, and says what to do about what is wrong.',
  schema: doctorSchema,
  flags: {
    class: { spelling: '[class]', about: 'name of the class; default: the only one of the namespace' },
    student: { spelling: '--student <id>', about: 'who asks the gateway; default: the first who may work' },
    request: {
      spelling: '--no-request',
      about: "ask no engine: nothing counts against the student's limits",
    },
    timeout: {
      spelling: '--timeout <duration>',
      about: 'for an answer of the gateway to begin',
      default: '1m',
    },
    ...GATEWAY_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    { about: 'everything', command: 'kubectl classroom doctor python-101' },
    { about: 'for a script', command: 'kubectl classroom doctor python-101 --no-request -o json' },
  ],
  run: doctor,
};

/** `kubectl classroom doctor`. */
export const doctorCommand: Runnable = clusterCommand(DOCTOR);

async function doctor(options: DoctorOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine } = cluster;
  const findings = await withProgress('Checking the cluster', machine, (say) =>
    allFindings(options, cluster, say),
  );
  const healthy = !findings.some(({ mark }) => mark === 'Bad');
  const diagnosis: Diagnosis = { healthy, findings };
  machine.stdout.write(render(diagnosis, options.output, (it) => diagnosisText(it, lookAt(machine))));
  return healthy ? EXIT_CODES.done : EXIT_CODES.failed;
}

type Say = (text: string) => void;

async function allFindings(options: DoctorOptions, cluster: Cluster, say: Say): Promise<Finding[]> {
  // Where the cluster does not answer, that is the whole answer.
  const findings = await checkCluster(cluster);
  if (findings.some(({ mark }) => mark === 'Bad')) return findings;
  say('Checking rights');
  findings.push(...(await guarded('Rights', () => checkOwnRights(cluster))));
  say('Checking operator and gateway');
  findings.push(...(await guarded('Operator', () => checkProcesses(cluster))));
  say('Checking GPUs');
  const found = await classOf(options, cluster);
  const classroom = 'area' in found ? undefined : found;
  findings.push(...(await guarded('GPUs', () => gpuFindings(cluster, classroom))));
  if ('area' in found) return [...findings, found];
  say('Checking the class');
  return [...findings, ...(await classFindings(found, options, cluster, say))];
}

/** Which class is meant; none at all is no fault of the cluster. */
async function classOf(options: DoctorOptions, cluster: Cluster): Promise<Classroom | Finding> {
  try {
    return await findClassroom(cluster, options.class);
  } catch (error) {
    if (!(error instanceof CliError)) return refusedFinding('Class', error);
    const { what, why, next, exitCode } = error.problem;
    // Of several classes none was looked at; where there is none, there is nothing to look at.
    const unnamed = exitCode === EXIT_CODES.usage ? 'Unknown' : 'Note';
    const mark = options.class === undefined ? unnamed : 'Bad';
    return { area: 'Class', mark, what, ...(why === undefined ? {} : { why }), next };
  }
}

async function gpuFindings(cluster: Cluster, classroom: Classroom | undefined): Promise<Finding[]> {
  const observed = await observeGpus(cluster);
  if (classroom === undefined) return checkGpus(observed, undefined);
  return checkGpus(observed, { classroom, pods: await enginePodsOf(cluster, classroom) });
}

async function classFindings(
  classroom: Classroom,
  options: DoctorOptions,
  cluster: Cluster,
  say: Say,
): Promise<Finding[]> {
  const seats = await ifAllowed(seatsOf(cluster, classroom));
  const findings = checkClass(classroom, seats, cluster.machine.clock.now());
  if (seats === undefined) return findings;
  say('Asking as a student');
  const { student, gatewayUrl, request, timeout: deadlineMs } = options;
  const check = { classroom, seats, student, gatewayUrl, request, deadlineMs };
  return [...findings, ...(await guarded('Gateway', () => checkGateway(check, cluster)))];
}
