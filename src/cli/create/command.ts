import { stringify } from 'yaml';
import { classrooms } from '../../api/classroom.ts';
import type { Texts } from '../../command-line/parse.ts';
import { GPUS } from '../../gpu/hardware/gpu-table.ts';
import { CATALOGUE } from '../../gpu/model/catalogue.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import type { EnginePlan } from '../../gpu/plan-types.ts';
import { KubeApiError } from '../../kube/errors.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { type Cluster, type ClusterCommand, clusterCommand, type Place } from '../cluster/command.ts';
import { observeGpus } from '../cluster/gpus.ts';
import { waitForClass } from '../cluster/wait-for-class.ts';
import type { Runnable } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { changeLine, type DryRun, objectsText } from '../objects-output.ts';
import { flagsOf } from '../plan/suggestion-flags.ts';
import { problems } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { completeClass, type WrittenClass, withEngines, writtenClass } from './class-object.ts';
import { gpuProduct } from './gpu-product.ts';
import { CREATE_FLAGS, type CreateOptions, createOptionsSchema } from './options.ts';
import { type ClassPlan, planClass, planLines } from './plan.ts';

const CREATE: ClusterCommand<typeof createOptionsSchema> = {
  name: 'create',
  description:
    'Makes a class. What is not said is planned: how many engines, how many requests at a time, and how much memory of the GPU. A class that does not fit is not made.',
  schema: createOptionsSchema,
  flags: CREATE_FLAGS,
  examples: [
    {
      about: 'thirty students with one model, on A10 GPUs',
      command: 'kubectl classroom create python-101 --model Qwen/Qwen2.5-7B-Instruct --gpu A10 --students 30',
    },
    {
      about: 'the class as YAML, to be kept in git',
      command:
        'kubectl classroom create python-101 --model Qwen/Qwen2.5-7B-Instruct --gpu A10 --students 30 --dry-run client > class.yaml',
    },
  ],
  offers: {
    model: () => CATALOGUE.flatMap(({ hubIds }) => hubIds),
    gpu: () => GPUS.map(({ name }) => name),
  },
  faults: sharingFaults,
  run: create,
  runWithout: (options, place) =>
    options.dryRun === 'client' ? printClass(options, place, NO_NODES) : undefined,
};

/** `kubectl classroom create`. */
export const createCommand: Runnable = clusterCommand(CREATE);

function sharingFaults({ slicesPerGpu, migProfile, tensorParallel }: Texts): readonly string[] {
  const named = [
    ['--slices-per-gpu', slicesPerGpu],
    ['--mig-profile', migProfile],
    ['--tensor-parallel', tensorParallel],
  ].flatMap(([flag, text]) => (text === undefined || text === '1' ? [] : [flag]));
  return named.length > 1
    ? [`${named.join(' and ')} must not be used together: a GPU is shared in one way`]
    : [];
}

/** Before nodes were asked. */
const NO_NODES: GpuObservation = { kind: 'Unknown', why: 'NotRead' };

async function create(options: CreateOptions, cluster: Cluster): Promise<ExitCode> {
  const { machine, namespace } = cluster;
  const { dryRun, output, students } = options;
  const observed = await withProgress('Reading the nodes', machine, () => observe(cluster, dryRun));
  if (dryRun === 'client') return printClass(options, cluster, observed);
  const { written, planned } = plannedClass(options, namespace, observed);
  const made = await withProgress('Making the class', machine, () => send(written, dryRun, cluster));
  machine.stdout.write(
    output === undefined
      ? changeLine(classrooms, options.name, 'created', dryRun)
      : objectsText(WRITTEN, [made], { format: output, one: true }),
  );
  for (const line of planLines(planned, students)) machine.stderr.write(`${line}\n`);
  if (dryRun !== 'none') return EXIT_CODES.done;
  if (options.wait) await waitForClass(cluster, { name: options.name, namespace }, options.timeout);
  machine.stderr.write(`Next: kubectl classroom enroll ${options.name} -n ${namespace} -f roster.csv\n`);
  return EXIT_CODES.done;
}

/** Classes as they are written: what has a default is not there. */
const WRITTEN: Resource<KubeObject> = classrooms;

interface PlannedClass {
  readonly written: WrittenClass;
  readonly planned: ClassPlan;
}

/** What is only printed needs no cluster that answers. */
async function observe(cluster: Cluster, dryRun: CreateOptions['dryRun']): Promise<GpuObservation> {
  try {
    return await observeGpus(cluster);
  } catch (error) {
    const isSilent = error instanceof KubeApiError && error.status === 0;
    if (dryRun !== 'client' || !isSilent || cluster.machine.signal.aborted) throw error;
    return NO_NODES;
  }
}

/** As a person writes it, with what is planned for it, and nothing is sent. */
async function printClass(
  options: CreateOptions,
  { machine, namespace }: Place,
  observed: GpuObservation,
): Promise<ExitCode> {
  const { output: format = 'yaml', students } = options;
  const { written, planned } = plannedClass(options, namespace, observed);
  machine.stdout.write(
    format === 'yaml' ? stringify(written) : objectsText(WRITTEN, [written], { format, one: true }),
  );
  for (const line of planLines(planned, students)) machine.stderr.write(`${line}\n`);
  if (observed === NO_NODES) {
    machine.stderr.write('Planned without a cluster: whether its nodes have such a GPU is not known.\n');
  }
  return EXIT_CODES.done;
}

function plannedClass(options: CreateOptions, namespace: string, observed: GpuObservation): PlannedClass {
  const product = options.gpu === undefined ? undefined : gpuProduct(options.gpu, observed);
  const written = writtenClass(options, namespace, product);
  const planned = planClass(completeClass(written), observed, options.students);
  const { plan, engines } = planned;
  if (plan !== undefined && !plan.fits) throw doesNotFit(plan);
  return { written: engines === 1 ? written : withEngines(written, engines), planned };
}

function doesNotFit({ reason, suggestions, gpu }: EnginePlan): Error {
  const lines = suggestions.map(({ message, change }) => {
    const flags = flagsOf(change, gpu).join(' ');
    return flags === '' ? message : `${message} (${flags})`;
  });
  return problems.classDoesNotFit({ why: reason, suggestions: lines });
}

async function send(written: WrittenClass, dryRun: DryRun, { client }: Cluster): Promise<KubeObject> {
  const { name, namespace = '' } = written.metadata;
  try {
    return await client.create(WRITTEN, written, {
      dryRun: dryRun === 'server',
      fieldManager: FIELD_MANAGER,
    });
  } catch (error) {
    if (!(error instanceof KubeApiError)) throw error;
    if (error.reason === 'AlreadyExists') throw problems.classExists({ name, namespace });
    if (error.status === 404 && error.message.includes('namespaces'))
      throw problems.noNamespace({ namespace });
    throw error;
  }
}

/** As `kubectl create` names itself after the program. */
const FIELD_MANAGER = 'kubectl-classroom';
