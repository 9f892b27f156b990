import type { Clock, Timer } from '../../kube/clock.ts';

/** Tells proxies in between that a connection lives, while there is nothing else to send. */
export interface Heartbeat {
  stop(): void;
}

/** A comment of server-sent events: clients must ignore it. https://html.spec.whatwg.org/multipage/server-sent-events.html */
const COMMENT = Buffer.from(': waiting\n\n');
/** The first beat turns a refusal that comes later from a status into an event, so it does not come at once. */
const FIRST_BEAT_SHARE = 0.5;

const SILENT: Heartbeat = { stop() {} };

/** @param everyMs 0: no beats */
export function createHeartbeat(clock: Clock, everyMs: number, send: (comment: Buffer) => void): Heartbeat {
  if (everyMs === 0) return SILENT;
  let timer: Timer;
  const beat = (): void => {
    timer = clock.setTimeout(beat, everyMs);
    send(COMMENT);
  };
  timer = clock.setTimeout(beat, everyMs * FIRST_BEAT_SHARE);
  return { stop: () => timer.cancel() };
}
