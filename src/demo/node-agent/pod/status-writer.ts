import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { KubeApiError } from '../../../kube/errors.ts';
import { describeError, type Logger } from '../../../kube/log.ts';
import { type Pod, pods } from '../../../kube/resources.ts';
import { FIELD_MANAGER } from '../field-manager.ts';
import type { PodStatus } from './status.ts';

const RETRY_MS = 1000;

/** Writes the status of one pod: one write at a time, the latest wins, an equal one costs no request. */
export interface StatusWriter {
  set(status: PodStatus): void;
  /** Resolves when the latest status is written, or the pod is gone. */
  settled(): Promise<void>;
}

/** @param signal ends all writing */
export function createStatusWriter(
  client: KubeClient,
  pod: Pod,
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
): StatusWriter {
  const { name, namespace, uid } = pod.metadata;
  let wanted: { status: PodStatus; json: string } | undefined;
  let writtenJson = '';
  let writing: Promise<void> | undefined;
  let gone = false;

  const write = async (status: PodStatus): Promise<boolean> => {
    // The uid makes the API server refuse when another pod has taken the name.
    const object: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid }, status };
    try {
      await client.apply(pods, object, { fieldManager: FIELD_MANAGER, subresource: 'status', signal });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      gone = error instanceof KubeApiError && (error.isNotFound || error.isConflict);
      if (gone) return false;
      log.warn(
        { pod: `${namespace}/${name}`, ...describeError(error) },
        'Pod status not written; trying again',
      );
      await clock.sleep(RETRY_MS, signal).catch(() => {});
      return false;
    }
  };
  const isDue = () => wanted !== undefined && wanted.json !== writtenJson && !gone && !signal.aborted;
  const loop = async (): Promise<void> => {
    while (wanted !== undefined && isDue()) {
      const { status, json } = wanted;
      if (await write(status)) writtenJson = json;
    }
  };
  const kick = (): void => {
    if (writing !== undefined || !isDue()) return;
    writing = loop().finally(() => {
      writing = undefined;
      kick();
    });
  };
  return {
    set(status) {
      wanted = { status, json: JSON.stringify(status) };
      kick();
    },
    async settled() {
      while (writing !== undefined) await writing;
    },
  };
}
