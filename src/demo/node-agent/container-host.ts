import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeClient } from '../../kube/client.ts';
import { configMaps, type Pod, secrets } from '../../kube/resources.ts';
import { hasErrorCode } from '../process/error-code.ts';
import type { RunDirectory } from '../process/run-directory.ts';
import type { Failure } from './failures.ts';
import type { GpuAssignments } from './gpus/assignments.ts';
import type { NodeDescription } from './nodes/description.ts';
import { ConfigError, expand, type Lookup, resolveEnvironment } from './pod/environment.ts';
import type { Container } from './pod/spec.ts';
import type { PodEvent } from './pod/state.ts';
import { unplayable } from './pod/unplayable.ts';
import { type ContainerProcess, startContainerProcess } from './process/container-process.ts';
import {
  readTail,
  TERMINATION_LOG_BYTES,
  TERMINATION_MESSAGE_BYTES,
  TERMINATION_MESSAGE_LINES,
} from './process/log-tail.ts';
import type { Endpoint } from './process/probe.ts';
import type { Runtime } from './runtimes/runtime.ts';
import { downwardMounts } from './volumes/downward.ts';
import { fileMounts, readEntries } from './volumes/files.ts';
import type { Mount } from './volumes/mount.ts';
import { claimFolders, claimMounts } from './volumes/mounts.ts';

export interface ContainerHostOptions {
  readonly client: KubeClient;
  readonly run: RunDirectory;
  readonly gpus: GpuAssignments;
  readonly runtimes: readonly Runtime[];
  /** What every container's process gets of this machine's environment, such as PATH. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface StartRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly node: NodeDescription;
  readonly nodeAddress: string;
  readonly endpoint: Endpoint;
  readonly failure: Failure | undefined;
}

export interface RunningContainer {
  readonly process: ContainerProcess;
  readonly runtime: Runtime;
  readonly folder: string;
  /** What its termination message may be made of. */
  lastWords(): Promise<LastWords>;
}

/** The end of what a container wrote. */
export interface LastWords {
  /** To its termination log. */
  readonly terminationLog: string;
  /** To its output. */
  readonly output: string;
}

type NotStarted = Pick<Extract<PodEvent, { type: 'notStarted' }>, 'reason' | 'message'>;

/** Starts containers as processes of this machine and keeps their logs. */
export interface ContainerHost {
  start(request: StartRequest): Promise<RunningContainer | NotStarted>;
  /** All output of a start. @returns undefined when there was no such start */
  readLog(pod: Pod, container: string, attempt: number): Promise<string | undefined>;
}

export function createContainerHost(options: ContainerHostOptions): ContainerHost {
  const { client, run, runtimes } = options;
  const folderOf = (pod: Pod, container: string) =>
    join(run.path, 'pods', `${pod.metadata.namespace}_${pod.metadata.name}_${pod.metadata.uid}`, container);
  const logOf = (pod: Pod, container: string, attempt: number) =>
    join(folderOf(pod, container), `${attempt}.log`);

  return {
    async start(request) {
      const { pod, container, failure, attempt } = request;
      const image = container.image ?? '';
      const runtime = runtimes.find((candidate) => candidate.plays(image));
      if (failure?.kind === 'ImagePull' || runtime === undefined) {
        return { reason: 'ErrImagePull', message: pullMessage(image, failure, runtimes) };
      }
      const folder = folderOf(pod, container.name);
      const logFile = logOf(pod, container.name, attempt);
      try {
        const problem = unplayable(container);
        if (problem !== undefined) throw new ConfigError(problem);
        const claims = await claimMounts(pod, container, claimFolders(client, pod.metadata.namespace));
        for (const path of [folder, ...claims.map((mount) => mount.folder)]) {
          await mkdir(path, { recursive: true });
        }
        const terminationLog = join(folder, `${attempt}.termination`);
        await writeFile(terminationLog, '');
        const logMount = {
          mountPath: container.terminationMessagePath ?? '/dev/termination-log',
          folder: terminationLog,
        };
        const known = [...claims, logMount];
        const read = readEntries(client, pod.metadata.namespace);
        const mounts = [
          ...known,
          ...(await fileMounts(pod, container, folder, read, known)),
          ...(await downwardMounts(pod, container, folder, [logMount])),
        ];
        const command = await commandOf(
          {
            ...request,
            runtime,
            folder,
            mounts,
            gpuFolder: options.gpus.folderOf(pod.metadata.uid ?? '', request.node),
          },
          lookupFor(client, pod),
          options.environment,
        );
        const name = `container-${pod.metadata.uid}-${container.name}-${attempt}`;
        const process = await startContainerProcess({ command, name, run, folder, logFile });
        const lastWords = async () => ({
          terminationLog: await readTail(terminationLog, TERMINATION_LOG_BYTES, Number.POSITIVE_INFINITY),
          output: await readTail(logFile, TERMINATION_MESSAGE_BYTES, TERMINATION_MESSAGE_LINES),
        });
        return { process, runtime, folder, lastWords };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return {
          reason: error instanceof ConfigError ? 'CreateContainerConfigError' : 'RunContainerError',
          message,
        };
      }
    },
    async readLog(pod, container, attempt) {
      return readFile(logOf(pod, container, attempt), 'utf8').catch((error: unknown) => {
        if (hasErrorCode(error, 'ENOENT')) return undefined;
        throw error;
      });
    },
  };
}

interface PreparedStart extends StartRequest {
  readonly runtime: Runtime;
  readonly folder: string;
  readonly mounts: readonly Mount[];
  readonly gpuFolder: string | undefined;
}

async function commandOf(
  request: PreparedStart,
  lookup: Lookup,
  environment: Readonly<Record<string, string>>,
) {
  const { pod, container, node, nodeAddress, endpoint, failure, runtime, folder, mounts, gpuFolder } =
    request;
  const facts = { podIP: endpoint.ip, hostIP: nodeAddress };
  const own = await resolveEnvironment(pod, container, facts, lookup);
  const base = {
    ...environment,
    HOSTNAME: pod.spec?.hostname ?? pod.metadata.name,
    HOME: folder,
    TMPDIR: folder,
  };
  return runtime.command({
    pod,
    container,
    node,
    endpoint,
    folder,
    mounts,
    gpuFolder,
    failure,
    command: container.command?.map((text) => expand(text, own)),
    args: (container.args ?? []).map((text) => expand(text, own)),
    env: { ...base, ...own },
  });
}

function pullMessage(image: string, failure: Failure | undefined, runtimes: readonly Runtime[]): string {
  const why =
    failure === undefined
      ? `nothing here plays this image; played are: ${runtimes.map(({ name }) => name).join(', ')}`
      : 'a failure played by the node agent';
  return `failed to pull and unpack image "${image}": not found (${why})`;
}

function lookupFor(client: KubeClient, pod: Pod): Lookup {
  const { namespace } = pod.metadata;
  return async (kind, name) => {
    if (kind === 'configmap') return (await client.get(configMaps, { namespace, name }))?.data;
    const secret = await client.get(secrets, { namespace, name });
    return (
      secret &&
      Object.fromEntries(
        Object.entries(secret.data ?? {}).map(([key, value]) => [
          key,
          Buffer.from(value, 'base64').toString('utf8'),
        ]),
      )
    );
  };
}
