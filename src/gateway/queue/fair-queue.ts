import { type ClassFigures, ClassQueue, type ClassQueueOptions } from './class-queue.ts';
import type { DispatchQueue } from './dispatch-queue.ts';
import type { ActivitySource } from './peers.ts';

export interface FairQueue extends DispatchQueue {
  /** Each class that has had requests and has engines, or requests that wait for them, by its key. */
  figures(): ReadonlyMap<string, ClassFigures>;
  /** What is said of a class has changed. */
  classroomChanged(classroomKey: string): void;
  /** Ends the timers and hears nothing more of the engines. What waits, whoever asked for it has to end. */
  close(): void;
}

/**
 * Gives the engines of each class to its students in turn, by what each got so far, and bounds what waits.
 *
 * Classes have engines of their own, so nothing is shared between them but the memory in which requests wait.
 */
export function createFairQueue(options: ClassQueueOptions): FairQueue {
  const { engines, peers, bounds } = options;
  const classes = new Map<string, ClassQueue>();

  const changed = (classroomKey: string): void => {
    const queue = classes.get(classroomKey);
    if (queue === undefined) return;
    queue.changed();
    forgetUnused(classroomKey, queue);
  };
  /** A class that is gone must not be kept for ever, nor one whose last request ended after its last engine. */
  const forgetUnused = (classroomKey: string, queue: ClassQueue): void => {
    if (queue.idle && engines.readyCount(classroomKey) === 0) classes.delete(classroomKey);
  };
  /** Whoever holds most of what is too much gives it up, and among equals the class in which a request has just come. */
  const boundBytes = (arrived: ClassQueue): void => {
    for (;;) {
      let bytes = 0;
      let largest = arrived;
      for (const queue of classes.values()) {
        bytes += queue.waitingBytes;
        if (queue.waitingBytes > largest.waitingBytes) largest = queue;
      }
      if (bytes <= bounds.bytesOfAll || !largest.refuseLargest()) return;
    }
  };
  const unsubscribe = engines.subscribe(changed);
  const activity: ActivitySource = {
    *activeClassrooms() {
      for (const [key, queue] of classes) if (!queue.idle) yield key;
    },
    activityOf: (classroomKey) => classes.get(classroomKey)?.activity,
    shareChanged: changed,
  };
  peers.observe(activity);

  return {
    enter(ticket, handlers) {
      const { classroom } = ticket.seat;
      let queue = classes.get(classroom.key);
      if (queue === undefined) {
        queue = new ClassQueue(classroom, options);
        classes.set(classroom.key, queue);
      }
      const waiting = queue.enter(ticket, handlers);
      if (queue.waitingBytes > 0) boundBytes(queue);
      return waiting;
    },
    get waiting() {
      let waiting = 0;
      for (const queue of classes.values()) waiting += queue.waiting;
      return waiting;
    },
    figures() {
      const figures = new Map<string, ClassFigures>();
      for (const [key, queue] of classes) forgetUnused(key, queue);
      for (const [key, queue] of classes) figures.set(key, queue.figures);
      return figures;
    },
    classroomChanged: (classroomKey) => classes.get(classroomKey)?.classroomChanged(),
    close() {
      unsubscribe();
      for (const queue of classes.values()) queue.close();
    },
  };
}
