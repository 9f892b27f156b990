import { readFile } from 'node:fs/promises';
import {
  createRunDirectory,
  defaultRunsRoot,
  type RunDirectory,
  removeStaleRuns,
} from '../process/run-directory.ts';
import { type Access, createAccess, tokenOf } from './access.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { type AuditedWrite, readAuditLog } from './audit.ts';
import {
  apiServerUrl,
  type BootContext,
  bootApiServer,
  bootControllerManager,
  bootEtcd,
  bootScheduler,
} from './boot.ts';
import type { Component } from './component.ts';
import { installCrds } from './crds.ts';
import { ADMIN, CONTROLLER_MANAGER, type ControlPlaneUser, SCHEDULER, withToken } from './credentials.ts';
import { controlPlaneErrors } from './errors.ts';
import { controlPlaneFiles, writeControlPlaneFiles } from './files.ts';
import { DEFAULT_CONTROLLERS } from './flags.ts';
import { freePorts } from './ports.ts';

const DEFAULT_BOOT_TIMEOUT_MS = 60_000;

export interface ControlPlaneOptions {
  readonly binaries: BootContext['binaries'];
  /** Default true. Without it there are no `default` ServiceAccounts, no garbage collection, no Deployments. */
  readonly controllerManager?: boolean;
  /** Default true. */
  readonly scheduler?: boolean;
  /** Names of controllers beyond DEFAULT_CONTROLLERS. */
  readonly extraControllers?: readonly string[];
  /**
   * Folder of CustomResourceDefinitions. They are served before the controller-manager starts: its garbage
   * collector looks for new kinds only every 30 s.
   */
  readonly crdFolder?: string;
  /** Users beyond `admin` (system:masters); what they may do is up to RBAC. */
  readonly users?: readonly ControlPlaneUser[];
  /** How long each step of the boot may take; default 60 s, the whole boot usually taking 3 s. */
  readonly bootTimeoutMs?: number;
  /** Where run directories are made; default a private folder under the system's temporary directory. */
  readonly runsRoot?: string;
}

/** A running throw-away control plane. */
export interface ControlPlane extends Access, AsyncDisposable {
  readonly url: string;
  /** PEM of the authority that signed the API server's certificate, and the file that holds it. */
  readonly ca: string;
  readonly caFile: string;
  /** A kubeconfig of `admin`. */
  readonly kubeconfigPath: string;
  readonly auditLogPath: string;
  /** Files and child processes of this run: what is adopted here never outlives the control plane. */
  readonly run: RunDirectory;
  /** Requests as `admin`. */
  readonly admin: ApiClient;
  /**
   * Every write that the API server has answered so far, oldest first. An entry is written just after its
   * answer is sent: wait for one that you expect.
   */
  auditedWrites(): Promise<AuditedWrite[]>;
  /** Kills the API server alone: an outage. */
  stopApiServer(): Promise<void>;
  /** Starts it again on the same port with the same data, and waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Ends all processes and removes all files. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Boots etcd, the API server and, unless left out, the controller-manager and the scheduler on free
 * loopback ports. First removes what dead owners left behind.
 * Throws ControlPlaneError with the end of the right log; nothing is left running then.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const root = options.runsRoot ?? defaultRunsRoot();
  await removeStaleRuns(root);
  const run = await createRunDirectory(root);
  try {
    return await boot(await prepare(run, options), options);
  } catch (error) {
    await run.remove();
    throw error;
  }
}

async function prepare(run: RunDirectory, options: ControlPlaneOptions): Promise<BootContext> {
  const [etcdClient = 0, etcdPeer = 0, apiServer = 0] = await freePorts(3);
  const users = [ADMIN, CONTROLLER_MANAGER, SCHEDULER, ...(options.users ?? [])].map(withToken);
  const files = controlPlaneFiles(run.path);
  await writeControlPlaneFiles(files, users);
  return {
    run,
    binaries: options.binaries,
    files,
    users,
    ports: { etcdClient, etcdPeer, apiServer },
    timeoutMs: options.bootTimeoutMs ?? DEFAULT_BOOT_TIMEOUT_MS,
  };
}

async function boot(context: BootContext, options: ControlPlaneOptions): Promise<ControlPlane> {
  const { run, files, ports, users, timeoutMs } = context;
  const { controllerManager = true, scheduler = true } = options;
  await bootEtcd(context);
  const apiServer = await bootApiServer(context, controllerManager);

  const url = apiServerUrl(ports);
  const ca = await readFile(files.caFile, 'utf8');
  const admin = createApiClient({ url, ca, token: tokenOf(users, ADMIN.name) });
  const access = createAccess({ folder: run.path, url, ca, users, admin });

  if (options.crdFolder !== undefined) await installCrds(admin, options.crdFolder, timeoutMs);
  const controllers: Component[] = [];
  if (controllerManager) {
    const names = [...DEFAULT_CONTROLLERS, ...(options.extraControllers ?? [])];
    const kubeconfig = await access.writeKubeconfig(CONTROLLER_MANAGER.name);
    controllers.push(await bootControllerManager(context, kubeconfig, names, admin));
  }
  if (scheduler) {
    controllers.push(await bootScheduler(context, await access.writeKubeconfig(SCHEDULER.name)));
  }
  return {
    ...access,
    ...lifecycle(context, apiServer, controllers, admin, controllerManager),
    url,
    ca,
    caFile: files.caFile,
    kubeconfigPath: await access.writeKubeconfig(ADMIN.name),
    auditLogPath: files.auditLog,
    run,
    admin,
    auditedWrites: () => readAuditLog(files.auditLog),
  };
}

type Lifecycle = Pick<ControlPlane, 'startApiServer' | 'stopApiServer' | 'stop' | typeof Symbol.asyncDispose>;

function lifecycle(
  context: BootContext,
  firstApiServer: Component,
  controllers: readonly Component[],
  admin: ApiClient,
  withControllerManager: boolean,
): Lifecycle {
  let apiServer = firstApiServer;
  let stopped = false;
  const stop = async () => {
    stopped = true;
    admin.close();
    // They may write a last time; the data of the other two is thrown away anyway.
    await Promise.all(controllers.map((component) => component.stop('SIGTERM')));
    await context.run.remove();
  };
  return {
    stopApiServer: () => apiServer.stop('SIGKILL'),
    async startApiServer() {
      if (stopped) throw controlPlaneErrors.stopped();
      await apiServer.stop('SIGKILL');
      apiServer = await bootApiServer(context, withControllerManager);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
