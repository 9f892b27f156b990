import type { Classroom } from '../../../../src/api/classroom.ts';
import { mergeConditions } from '../../../../src/api/condition.ts';
import { demandLease } from '../../../../src/api/demand.ts';
import type { Schedule } from '../../../../src/api/schedule.ts';
import { earliestAfter } from '../../../../src/classroom/earliest.ts';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import { openCondition } from '../../../../src/classroom/opening/condition.ts';
import {
  type ClassHours,
  classHours,
  classScaling,
} from '../../../../src/classroom/scaling/class-scaling.ts';
import type { NeedHistory } from '../../../../src/classroom/scaling/need-history.ts';
import type { ScalingReason } from '../../../../src/classroom/scaling/wanted-engines.ts';
import type { Deployment, Lease, Pod } from '../../../../src/kube/resources.ts';
import { containerStatus, enginePod } from '../../../support/classroom.ts';

export const STEP_MS = 30_000;

interface Engine {
  readonly name: string;
  readonly madeMs: number;
  /** Requests that run on it. */
  requests: number;
  /** When it last had one (epoch ms). */
  lastUsedMs: number;
}

/** What happens in one step of half a minute. */
export interface Step {
  /** Requests that students send to the gateway; it refuses them while the class is closed. */
  readonly asked?: number;
  /** Whether running requests end in this step. */
  readonly answered?: boolean;
  /** The operator is killed and begins anew: it knows only what the API server keeps. */
  readonly killed?: boolean;
  /** The operator is down in this step. */
  readonly down?: boolean;
}

/**
 * A class, its gateway, engines that take a while to load, and an operator that can be killed: no cluster, and no time
 * but that of the steps.
 */
export class ClassDay {
  nowMs: number;
  classroom: Classroom;
  readonly loadMs: number;
  /** How often the Deployment was written. */
  writes = 0;
  reason: ScalingReason | undefined;
  /** Engines that were ended with requests running on them. */
  cut = 0;
  /** Requests that wait at the gateway for an engine. */
  queued = 0;
  #students: number;
  #known: { hours: ClassHours; loadSeconds: number | undefined; untilMs: number } | undefined;
  #deployment: Deployment | undefined;
  #history: NeedHistory | undefined;
  #engines: Engine[] = [];
  #lease: Lease | undefined;
  /** Since when this operator has looked at engines (epoch ms). */
  #watchingSinceMs: number;
  #made = 0;

  constructor(classroom: Classroom, students: number, startMs: number, loadMs = 60_000) {
    this.classroom = classroom;
    this.#students = students;
    this.nowMs = startMs;
    this.loadMs = loadMs;
    this.#watchingSinceMs = startMs;
  }

  get replicas(): number {
    return this.#deployment?.spec?.replicas ?? 0;
  }

  get answering(): number {
    return this.#engines.filter((engine) => this.#isLoaded(engine)).length;
  }

  get busy(): number {
    return this.#engines.filter(({ requests }) => requests > 0).length;
  }

  /** Names of the engines: another name is another start. */
  get names(): string[] {
    return this.#engines.map(({ name }) => name);
  }

  get isOpen(): boolean {
    return this.#hours().opening.isOpen;
  }

  step({ asked = 0, answered = true, killed = false, down = false }: Step = {}): void {
    this.nowMs += STEP_MS;
    if (this.isOpen) this.queued += asked;
    this.#answer(answered);
    if (killed) this.#forget();
    if (!down) this.#pass();
    this.#kubelet();
  }

  /** A person changes what the timetable says. */
  reschedule(difference: Partial<Schedule>): void {
    const { spec } = this.classroom;
    if (spec.schedule === undefined) throw new Error('the class has no timetable');
    this.classroom = { ...this.classroom, spec: { ...spec, schedule: { ...spec.schedule, ...difference } } };
    this.#known = undefined;
  }

  /** Steps until a moment. */
  until(time: string, step: Step = {}): void {
    while (this.nowMs < Date.parse(time)) this.step(step);
  }

  #answer(answered: boolean): void {
    for (const engine of this.#engines) if (answered) engine.requests = 0;
    const ready = this.#engines.filter((engine) => this.#isLoaded(engine));
    for (let next = 0; this.queued > 0 && ready.length > 0; next++) {
      const engine = ready[next % ready.length];
      if (engine === undefined) break;
      engine.requests += 1;
      engine.lastUsedMs = this.nowMs;
      this.queued -= 1;
    }
    const inFlight = this.#engines.reduce((sum, { requests }) => sum + requests, 0);
    if (inFlight + this.queued > 0) this.#tell(inFlight);
  }

  #tell(inFlight: number): void {
    const { namespace = '', name, uid = '' } = this.classroom.metadata;
    const said = { lastAskedMs: this.nowMs, inFlight, queued: this.queued, trustedSeconds: 60 };
    this.#lease = demandLease({ namespace, name, uid }, '0a1b2c3d', 'gateway-0', said);
  }

  #forget(): void {
    this.#history = undefined;
    this.#watchingSinceMs = this.nowMs;
  }

  #pass(): void {
    const observed = {
      pods: this.#engines.map((engine) => this.#pod(engine)),
      deployment: this.#deployment,
      watched: this.#watched(),
      demandLeases: this.#lease === undefined ? [] : [this.#lease],
      needHistory: this.#history,
    };
    const scaling = classScaling(
      {
        observed,
        classroom: this.classroom,
        activeSeats: this.#students,
        hours: this.#hours(),
        nowMs: this.nowMs,
      },
      this.classroom.spec.engine.replicas.studentsPerReplica,
    );
    if (scaling.replicas !== this.#deployment?.spec?.replicas) this.writes += 1;
    this.#deployment = deployment(scaling.replicas);
    this.#history = scaling.history;
    this.reason = scaling.reason;
    this.#report();
  }

  /** What of the status scaling goes by. */
  #report(): void {
    const { status } = this.classroom;
    const draft = openCondition(this.classroom, this.#hours().opening);
    const conditions = mergeConditions(status?.conditions, [draft], 1, this.nowMs);
    const loaded = this.#engines.some((engine) => this.#isLoaded(engine));
    const lastLoadSeconds = loaded ? this.loadMs / 1000 : status?.lastLoadSeconds;
    this.classroom = {
      ...this.classroom,
      status: { conditions, ...(lastLoadSeconds === undefined ? {} : { lastLoadSeconds }) },
    };
  }

  /** Computed anew only when time or a load says so: thousands of steps are made. */
  #hours(): ClassHours {
    const loadSeconds = this.classroom.status?.lastLoadSeconds;
    const known = this.#known;
    if (known !== undefined && known.loadSeconds === loadSeconds && this.nowMs < known.untilMs)
      return known.hours;
    const hours = classHours(this.classroom, this.nowMs);
    const untilMs =
      earliestAfter(this.nowMs, [
        hours.opening.validUntilMs,
        hours.engines.nextChangeMs,
        hours.engines.nextWarmUpMs,
      ]) ?? this.nowMs;
    this.#known = { hours, loadSeconds, untilMs };
    return hours;
  }

  #watched(): Map<string, WatchedEngine> {
    const watched = new Map<string, WatchedEngine>();
    for (const { name, requests, lastUsedMs } of this.#engines) {
      if (this.#watchingSinceMs === this.nowMs) continue;
      const sinceMs = Math.max(lastUsedMs, this.#watchingSinceMs);
      const use = requests > 0 ? { kind: 'busy' as const, requests } : { kind: 'quiet' as const, sinceMs };
      watched.set(name, { health: 'Well', kvCacheTokens: undefined, use });
    }
    return watched;
  }

  /** Engines that go are the idlest: so their pods say. */
  #kubelet(): void {
    const wanted = this.replicas;
    const kept = this.#engines.toSorted((a, b) => b.requests - a.requests).slice(0, wanted);
    this.cut += this.#engines.filter((engine) => !kept.includes(engine) && engine.requests > 0).length;
    while (kept.length < wanted) {
      kept.push({
        name: `engine-${++this.#made}`,
        madeMs: this.nowMs,
        requests: 0,
        lastUsedMs: this.nowMs + this.loadMs,
      });
    }
    this.#engines = kept;
  }

  #isLoaded({ madeMs }: Engine): boolean {
    return madeMs + this.loadMs <= this.nowMs;
  }

  #pod(engine: Engine): Pod {
    const at = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
    const isLoaded = this.#isLoaded(engine);
    const since = isLoaded ? engine.madeMs + this.loadMs : engine.madeMs;
    const base = enginePod({
      metadata: { name: engine.name, creationTimestamp: at(engine.madeMs) },
      // It may take an hour to load.
      spec: { containers: [{ name: 'vllm', startupProbe: { periodSeconds: 2, failureThreshold: 1800 } }] },
    });
    const state = { running: { startedAt: at(engine.madeMs) } };
    return {
      ...base,
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: isLoaded ? 'True' : 'False', lastTransitionTime: at(since) }],
        containerStatuses: [containerStatus({ started: isLoaded, ready: isLoaded, state })],
      },
    };
  }
}

function deployment(replicas: number): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'python-101-engine' },
    spec: { replicas, selector: {}, template: {} },
  };
}
