import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { type Clock, systemClock } from '../../../src/kube/clock.ts';
import { COURSE_CLOCK_FLAG } from './course-time.ts';
import { createMovableClock, type MovableClock } from './movable-clock.ts';

/**
 * The clock of a program of a course, which follows the test that started it. Takes the argument that says where the
 * test listens off the command line, so that the product reads the rest as ever.
 */
export async function followCourseTime(argv: string[]): Promise<Clock> {
  const position = argv.findIndex((argument) => argument.startsWith(COURSE_CLOCK_FLAG));
  const [flag] = argv.splice(position, 1);
  if (position < 0 || flag === undefined) throw new Error(`${COURSE_CLOCK_FLAG}<port> is missing`);
  const socket = connect(Number(flag.slice(COURSE_CLOCK_FLAG.length)), '127.0.0.1');
  const started = Promise.withResolvers<MovableClock>();
  let moved: Promise<unknown> = started.promise;
  const lines = createInterface(socket);
  lines.on('line', (line) => {
    const aheadMs = Number(line);
    // The first one is how far it is now; resolving again does nothing.
    started.resolve(createMovableClock(systemClock, aheadMs));
    moved = moved.then(async () => {
      const clock = await started.promise;
      await clock.moveTo(aheadMs);
      socket.write(`${line}\n`);
    });
  });
  // The test is over, or was: nobody moves the clock any more.
  for (const source of [socket, lines]) source.on('error', (error) => started.reject(error));
  const clock = await started.promise;
  socket.unref();
  return clock;
}
