import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type Clock, systemClock } from '../../../src/kube/clock.ts';

/** What comes before the port in the argument that the programs of a course are started with. */
export const COURSE_CLOCK_FLAG = '--course-clock=';

/**
 * The time of a course that is played faster than it happens. Programs that were started with `flag` follow it: they
 * ask for it when they start, and hear of each move. It lives in the test, so killing a program does not change it.
 */
export interface CourseTime extends AsyncDisposable {
  /** For the programs that follow. */
  readonly flag: string;
  /** The time of the course; timers run as on the wall, as those of other machines do. */
  readonly clock: Clock;
  /** Moves to this time (epoch ms), and resolves when all programs that follow have, or have ended. Never back. */
  moveTo(timeMs: number): Promise<void>;
}

/** Starts with what time it is. */
export async function startCourseTime(): Promise<CourseTime> {
  let aheadMs = 0;
  const followers = new Set<Follower>();
  const server = createServer((socket) => {
    const follower = followerOn(socket);
    followers.add(follower);
    socket.on('close', () => followers.delete(follower));
    follower.tell(aheadMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    flag: `${COURSE_CLOCK_FLAG}${port}`,
    clock: { ...systemClock, now: () => systemClock.now() + aheadMs },
    async moveTo(timeMs) {
      const wantedMs = Math.ceil(timeMs - systemClock.now());
      if (wantedMs < aheadMs) throw new RangeError('time does not go back');
      aheadMs = wantedMs;
      await Promise.all([...followers].map((follower) => follower.tell(aheadMs)));
    },
    async [Symbol.asyncDispose]() {
      for (const { end } of followers) end();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Follower {
  /** Resolves when it has moved, or is gone. */
  tell(aheadMs: number): Promise<void>;
  end(): void;
}

function followerOn(socket: Socket): Follower {
  let movedMs = Number.NEGATIVE_INFINITY;
  let isGone = false;
  let look = Promise.withResolvers<void>();
  const changed = (): void => {
    look.resolve();
    look = Promise.withResolvers<void>();
  };
  const lines = createInterface(socket);
  lines.on('line', (line) => {
    movedMs = Number(line);
    changed();
  });
  // A follower that is killed resets its connection; 'close' follows.
  for (const source of [socket, lines]) source.on('error', () => {});
  socket.on('close', () => {
    isGone = true;
    changed();
  });
  return {
    async tell(aheadMs) {
      socket.write(`${aheadMs}\n`);
      while (!isGone && movedMs < aheadMs) await look.promise;
    },
    end: () => socket.destroy(),
  };
}
