import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import type { Binaries } from '../binaries/versions.ts';
import type { RunDirectory } from '../process/run-directory.ts';
import { tokenOf } from './access.ts';
import { type ApiClient, createApiClient } from './api-client.ts';
import { type Component, startComponent } from './component.ts';
import { ADMIN, type UserWithToken } from './credentials.ts';
import type { ControlPlaneFiles } from './files.ts';
import {
  apiServerArguments,
  type ControlPlanePorts,
  controllerManagerArguments,
  etcdArguments,
  schedulerArguments,
} from './flags.ts';

/** What every step of a boot needs to know. */
export interface BootContext {
  readonly run: RunDirectory;
  readonly binaries: Omit<Binaries, 'kubectl' | 'helm'>;
  readonly files: ControlPlaneFiles;
  readonly ports: ControlPlanePorts;
  readonly users: readonly UserWithToken[];
  readonly timeoutMs: number;
}

export function apiServerUrl(ports: ControlPlanePorts): string {
  return `https://127.0.0.1:${ports.apiServer}`;
}

export async function bootEtcd({ run, binaries, files, ports, timeoutMs }: BootContext): Promise<Component> {
  const etcd = await startComponent(run, 'etcd', binaries.etcd, etcdArguments(files, ports));
  const health = `http://127.0.0.1:${ports.etcdClient}/health`;
  await etcd.waitUntil(health, async () => (await httpStatus(health)) === 200, timeoutMs);
  return etcd;
}

/** etcd must answer already. The same certificate, tokens and data are used at every start. */
export async function bootApiServer(
  context: BootContext,
  withControllerManager: boolean,
): Promise<Component> {
  const { run, binaries, files, ports, users, timeoutMs } = context;
  const apiServer = await startComponent(
    run,
    'kube-apiserver',
    binaries['kube-apiserver'],
    apiServerArguments(files, ports, withControllerManager),
  );
  const isReady = async () => {
    // The server makes its certificate at its first start: before that there is no file.
    const ca = await readFile(files.caFile, 'utf8');
    const client = createApiClient({ url: apiServerUrl(ports), ca, token: tokenOf(users, ADMIN.name) });
    try {
      return (await client.request('GET', '/readyz')).status === 200;
    } finally {
      client.close();
    }
  };
  await apiServer.waitUntil('/readyz', isReady, timeoutMs);
  return apiServer;
}

/** It serves no health here; that it works shows by the ServiceAccount that it makes in namespace `default`. */
export async function bootControllerManager(
  { run, binaries, files, timeoutMs }: BootContext,
  kubeconfig: string,
  controllers: readonly string[],
  admin: ApiClient,
): Promise<Component> {
  const manager = await startComponent(
    run,
    'kube-controller-manager',
    binaries['kube-controller-manager'],
    controllerManagerArguments(files, kubeconfig, controllers),
  );
  const path = '/api/v1/namespaces/default/serviceaccounts/default';
  const isAtWork = async () => (await admin.request('GET', path)).status === 200;
  await manager.waitUntil('the ServiceAccount default/default', isAtWork, timeoutMs);
  return manager;
}

/** It serves no health here and makes nothing by itself: a pod that is not bound yet waits for it. */
export function bootScheduler({ run, binaries }: BootContext, kubeconfig: string): Promise<Component> {
  return startComponent(run, 'kube-scheduler', binaries['kube-scheduler'], schedulerArguments(kubeconfig));
}

function httpStatus(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(5_000) }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once('error', reject);
  });
}
