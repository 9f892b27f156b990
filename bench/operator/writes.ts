import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane } from '../../src/demo/control-plane/control-plane.ts';

/** Writes that one client sent, as the API server's audit log counts them. */
export interface Writes {
  total: number;
  /** Answered with an error, such as a conflict. */
  refused: number;
  /** By what was written, as in `secrets` and `classrooms/status`. */
  byResource: Record<string, number>;
  /** When the first was answered, on the machine's clock. */
  firstAt: Date | undefined;
}

/** All writes of a client since `since`, in the order of the log. */
export async function writesOf(
  controlPlane: ControlPlane,
  userAgent: string,
  since = new Date(0),
): Promise<Writes> {
  const all = await controlPlane.auditedWrites();
  const own = all.filter((write) => write.userAgent === userAgent && write.at >= since);
  const byResource: Record<string, number> = {};
  for (const { resource, subresource } of own) {
    const name = subresource === '' ? resource : `${resource}/${subresource}`;
    byResource[name] = (byResource[name] ?? 0) + 1;
  }
  return {
    total: own.length,
    refused: own.filter(({ code }) => code >= 400).length,
    byResource,
    firstAt: own[0]?.at,
  };
}

const QUIET_MS = 3000;
const LOOK_EVERY_MS = 250;

/** Resolves when nobody has written for three seconds. */
export async function untilQuiet({ auditLogPath }: ControlPlane): Promise<void> {
  let size = -1;
  for (let quietMs = 0; quietMs < QUIET_MS; quietMs += LOOK_EVERY_MS) {
    await delay(LOOK_EVERY_MS);
    const now = (await stat(auditLogPath)).size;
    if (now !== size) quietMs = 0;
    size = now;
  }
}
