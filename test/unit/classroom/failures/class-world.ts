import type { Classroom, ClassroomStatus } from '../../../../src/api/classroom.ts';
import { findCondition } from '../../../../src/api/condition.ts';
import { type Plan, plan, type WantedPlan } from '../../../../src/classroom/plan.ts';
import { status } from '../../../../src/classroom/status.ts';
import { transitions } from '../../../../src/classroom/transitions.ts';
import type { Deployment, Pod } from '../../../../src/kube/resources.ts';
import { containerStatus, enginePod, observedClass, settings } from '../../../support/classroom.ts';

const START_MS = Date.parse('2026-09-01T09:00:00Z');
const PASS_MS = 60_000;

/** How a container ends that is started with these arguments; undefined: it serves. */
export type Outcome = (args: readonly string[]) => { exitCode: number; message: string } | undefined;

/** After which of its two writes a pass is cut off by the death of the operator. */
export type Death = 'BeforeDeployment' | 'BeforeStatus';

/**
 * A class, its Deployment and its pods, without a cluster: each pass plans, writes and reports as the controller does,
 * then a minute goes by, in which engines are started and end.
 */
export class ClassWorld {
  nowMs = START_MS;
  readonly events: string[] = [];
  /** Objects that passes changed. */
  writes = 0;
  outcome: Outcome;
  #classroom: Classroom;
  #deployment: Deployment | undefined;
  #pods: Pod[] = [];
  #made = 0;

  constructor(classroom: Classroom, outcome: Outcome) {
    this.#classroom = classroom;
    this.outcome = outcome;
  }

  get status(): ClassroomStatus {
    return this.#classroom.status ?? {};
  }

  get replicas(): number | undefined {
    return this.#deployment?.spec?.replicas;
  }

  get steps(): string[] {
    return (this.status.failures?.memorySteps ?? []).map(
      ({ setting, from, to }) => `${setting} ${from} → ${to}`,
    );
  }

  get isReady(): boolean {
    return findCondition(this.status.conditions, 'EnginesReady')?.reason === 'AllReady';
  }

  /** Arguments of the engines as they are rolled out. */
  get args(): readonly string[] {
    return this.#deployment?.spec?.template.spec?.containers[0]?.args ?? [];
  }

  change(difference: (classroom: Classroom) => Classroom): void {
    this.#classroom = difference(this.#classroom);
  }

  pass(death?: Death): void {
    const observed = observedClass({
      classroom: this.#classroom,
      pods: this.#pods,
      deployment: this.#deployment,
    });
    const planned = plan(observed, settings(), this.nowMs);
    if (death !== 'BeforeDeployment') {
      this.#apply(planned);
      if (death !== 'BeforeStatus') this.#report(observed, planned);
    }
    this.nowMs += PASS_MS;
    this.#kubelet();
  }

  #apply(planned: Plan): void {
    const wanted = (planned as WantedPlan).deployment?.object as Deployment;
    if (JSON.stringify(wanted) === JSON.stringify(this.#deployment)) return;
    this.#deployment = wanted;
    this.writes += 1;
  }

  #report(observed: ReturnType<typeof observedClass>, planned: Plan): void {
    const next = status({
      observed,
      plan: planned,
      outcome: { written: [], deleted: [], problems: [] },
      settings: settings(),
      nowMs: this.nowMs,
    });
    this.events.push(...transitions(this.status, next, undefined, planned).map(({ reason }) => reason));
    if (JSON.stringify(next) !== JSON.stringify(this.#classroom.status)) this.writes += 1;
    this.#classroom = { ...this.#classroom, status: next };
  }

  /** Pods of another template go; a container that ended is started again. */
  #kubelet(): void {
    const template = this.#deployment?.spec?.template;
    const wanted = this.#deployment?.spec?.replicas ?? 0;
    const current = this.#pods.filter(
      (pod) => JSON.stringify(pod.spec?.containers) === JSON.stringify(template?.spec?.containers),
    );
    const names = current.map(({ metadata }) => metadata.name).slice(0, wanted);
    while (names.length < wanted) names.push(`python-101-engine-${++this.#made}`);
    this.#pods = names.map((name) => this.#pod(name));
  }

  #pod(name: string): Pod {
    const containers = this.#deployment?.spec?.template.spec?.containers ?? [];
    const end = this.outcome(containers[0]?.args ?? []);
    const base = enginePod({ metadata: { name }, spec: { containers } });
    const finishedAt = new Date(this.nowMs).toISOString().replace('.000Z', 'Z');
    const container =
      end === undefined
        ? containerStatus({ ready: true, started: true })
        : containerStatus({
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { reason: 'Error', ...end, finishedAt } },
          });
    const ready = { type: 'Ready', status: end === undefined ? 'True' : 'False' };
    const lastTransitionTime = '2026-09-01T09:00:30Z';
    return {
      ...base,
      status: {
        ...base.status,
        conditions: [{ ...ready, lastTransitionTime }],
        containerStatuses: [container],
      },
    };
  }
}
