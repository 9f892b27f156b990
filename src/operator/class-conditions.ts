import { Gauge, type Registry } from 'prom-client';
import type { Classroom } from '../api/classroom.ts';
import type { Condition } from '../api/condition.ts';
import { keyOf } from '../kube/object.ts';

const FIGURES = { True: 1, False: 0, Unknown: -1 } as const satisfies Record<Condition['status'], number>;

/** All classes as they are now. */
export type ClassesNow = () => Iterable<Pick<Classroom, 'metadata' | 'status'>>;

/**
 * Lets Prometheus read how classes are: one series for each condition of a class, as many as a school has engines for,
 * times ten. What is no longer so has no series.
 *
 * @param name of the metric
 */
export function reportClassConditions(registry: Registry, name: string, classes: ClassesNow): void {
  new Gauge({
    name,
    help: 'A condition of a class: 1 true, 0 false, -1 unknown.',
    labelNames: ['classroom', 'condition', 'reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { metadata, status } of classes()) {
        for (const { type, reason, status: holds } of status?.conditions ?? []) {
          this.set({ classroom: keyOf(metadata), condition: type, reason }, FIGURES[holds]);
        }
      }
    },
  });
}
