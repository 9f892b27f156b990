import { createHash } from 'node:crypto';
import type { ClassroomStatus, EnginePlanStatus, EngineStatus } from '../../api/classroom.ts';
import type { ConditionDraft } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../../api/reasons.ts';
import { canonicalJson } from '../../kube/intent.ts';
import type { Pod } from '../../kube/resources.ts';
import { engineCommand } from '../engine-container.ts';
import type { WatchedEngine } from './board.ts';
import { startedBeside } from './start-race.ts';

/**
 * How much smaller than expected a KV cache may be. Measured on an H100 with vLLM 0.26: an empty compile cache costs up
 * to 15 %, an error of the plan 8 % at most, and the weakest start race 30 %.
 */
export const TOLERANCE = 0.2;

export interface MeasurementInput {
  /** The engines as the status has them. */
  readonly engines: readonly EngineStatus[];
  /** Engine pods of the class. */
  readonly pods: readonly Pod[];
  /** Engine pods of every class. */
  readonly enginePods: readonly Pod[];
  /** What was heard from the engines, by the name of the pod. */
  readonly watched: ReadonlyMap<string, WatchedEngine>;
  /** What the engines that run were planned to have. */
  readonly plan: EnginePlanStatus | undefined;
  /** The pods as they are started now: engines that still run as before are not compared. */
  readonly template: Pick<Pod, 'spec'> | undefined;
  readonly previous: ClassroomStatus | undefined;
  /** Epoch ms. */
  readonly nowMs: number;
}

/** The part of the status that is about what engines measured. */
export interface MeasurementReport {
  /** The same engines, with what they measured. */
  readonly engines: EngineStatus[];
  readonly largestKvCache: ClassroomStatus['largestKvCache'];
  readonly condition: ConditionDraft;
}

/**
 * Compares what the engines' KV caches hold with what was planned, or, where nothing could be planned, with the largest
 * that an engine of the same image and arguments had.
 *
 * An engine that has not been asked yet keeps what the status said of it: an operator that starts anew changes nothing.
 */
export function measurementReport(input: MeasurementInput): MeasurementReport {
  const { engines, pods, plan, template } = input;
  const commandHash = template === undefined ? undefined : hashOf(template);
  const measured = engines.flatMap((engine) => {
    const pod = pods.find(({ metadata }) => metadata.name === engine.name);
    const tokens = tokensOf(engine, input);
    return pod === undefined || tokens === undefined ? [] : [{ engine, pod, tokens }];
  });
  const comparable = measured.filter(({ pod }) => hashOf(pod) === commandHash);
  const largestKvCache = largestOf(comparable, commandHash, input.previous);
  const expectation = expectationOf(plan, largestKvCache);
  const compared = comparable.map(
    (one): Compared => ({ ...one, ...compare(one.pod, one.tokens, expectation, input) }),
  );
  return {
    engines: engines.map((engine) => {
      const found = measured.find((one) => one.engine === engine);
      const { beside } = compared.find((one) => one.engine === engine) ?? {};
      return {
        ...engine,
        ...(found === undefined ? {} : { kvCacheTokens: found.tokens }),
        ...(beside === undefined ? {} : { startedBeside: beside }),
      };
    }),
    largestKvCache,
    condition: conditionOf(compared, expectation),
  };
}

interface Compared {
  readonly engine: EngineStatus;
  readonly tokens: number;
  readonly isSmaller: boolean;
  /** The engine with which it measured memory at the same time. */
  readonly beside: string | undefined;
}

/** What the engines are compared with. */
export interface Expectation {
  readonly tokens: number;
  readonly from: 'Plan' | 'OtherEngines';
}

/** What engines of a class should have; undefined: neither planned nor measured. */
export function expectationOf(
  plan: EnginePlanStatus | undefined,
  largest: ClassroomStatus['largestKvCache'],
): Expectation | undefined {
  if (plan?.kvCacheTokens !== undefined) return { tokens: plan.kvCacheTokens, from: 'Plan' };
  return largest === undefined ? undefined : { tokens: largest.tokens, from: 'OtherEngines' };
}

function tokensOf(engine: EngineStatus, { watched, previous }: MeasurementInput): number | undefined {
  if (engine.state !== 'Ready') return undefined;
  return watched.get(engine.name)?.kvCacheTokens ?? before(engine, previous)?.kvCacheTokens;
}

/** What the status said of this start of the engine: one that stopped answering may have been started anew since. */
function before(engine: EngineStatus, previous: ClassroomStatus | undefined): EngineStatus | undefined {
  return previous?.engines?.find(({ name, state }) => name === engine.name && state === 'Ready');
}

function largestOf(
  engines: readonly { readonly tokens: number }[],
  commandHash: string | undefined,
  previous: ClassroomStatus | undefined,
): ClassroomStatus['largestKvCache'] {
  if (commandHash === undefined) return previous?.largestKvCache;
  const known = previous?.largestKvCache;
  const tokens = [
    ...engines.map((engine) => engine.tokens),
    ...(known?.commandHash === commandHash ? [known.tokens] : []),
  ];
  return tokens.length === 0 ? undefined : { commandHash, tokens: Math.max(...tokens) };
}

function compare(
  pod: Pod,
  tokens: number,
  expectation: Expectation | undefined,
  { enginePods, previous, nowMs, watched }: MeasurementInput,
): Pick<Compared, 'isSmaller' | 'beside'> {
  const isSmaller = expectation !== undefined && tokens < expectation.tokens * (1 - TOLERANCE);
  if (!isSmaller) return { isSmaller, beside: undefined };
  const said = previous?.engines?.find(({ name, state }) => name === pod.metadata.name && state === 'Ready');
  // The other one may be gone by now: what was seen once stands for as long as this start does.
  const sameStart = said?.kvCacheTokens === tokens || !watched.has(pod.metadata.name);
  const seen = sameStart ? said?.startedBeside : undefined;
  return { isSmaller, beside: seen ?? startedBeside(pod, enginePods, nowMs) };
}

/** Stands for image and arguments. */
function hashOf(pod: Pick<Pod, 'spec'>): string {
  return createHash('sha256')
    .update(canonicalJson(engineCommand(pod) ?? {}))
    .digest('hex')
    .slice(0, 16);
}

const type = CLASSROOM_CONDITIONS.engineAsPlanned;
const REASONS = CLASSROOM_REASONS;

function conditionOf(engines: readonly Compared[], expectation: Expectation | undefined): ConditionDraft {
  if (engines.length === 0) {
    const message = 'No engine has said yet how many tokens its KV cache holds.';
    return { type, status: 'Unknown', reason: REASONS.notMeasured, message };
  }
  const smaller = engines.filter(({ isSmaller }) => isSmaller);
  const raced = smaller.filter(({ beside }) => beside !== undefined);
  if (raced.length > 0) return racedCondition(raced, expectation);
  const first = smaller[0];
  if (first !== undefined) return smallerCondition(first, expectation);
  const measured = range(engines);
  if (expectation?.from !== 'Plan') {
    const message = `The KV cache holds ${measured} tokens; nothing was planned to compare that with.`;
    return { type, status: 'Unknown', reason: REASONS.notPlanned, message };
  }
  const message = `The KV cache holds ${measured} tokens, ${inThousands(expectation.tokens)} were planned.`;
  return { type, status: 'True', reason: REASONS.asPlanned, message };
}

function racedCondition(raced: readonly Compared[], expectation: Expectation | undefined): ConditionDraft {
  const parts = raced.map(
    ({ engine, tokens, beside }) =>
      `engine ${engine.name} has ${inThousands(tokens)} and started on its GPU at the same time as ${beside}`,
  );
  const message = `A KV cache should hold ${shouldHold(expectation)}, but ${parts.join('; ')}: each took the other's memory for its own. They are started anew, one after the other: at once where students would feel it, else when the engine is idle.`;
  return { type, status: 'False', reason: REASONS.startRace, message };
}

function smallerCondition(
  { engine, tokens }: Compared,
  expectation: Expectation | undefined,
): ConditionDraft {
  const message = `A KV cache should hold ${shouldHold(expectation)}, but engine ${engine.name} has ${inThousands(tokens)}, and no engine of a class started beside it. Fewer students are computed at once. Look for what else uses its GPU (\`nvidia-smi\` on node ${engine.node ?? 'unknown'}) and delete the pod ${engine.name} when that is gone; if nothing does, correct \`model.facts\` or lower \`engine.maxNumSeqs\`.`;
  return { type, status: 'False', reason: REASONS.smallerThanPlanned, message };
}

function shouldHold(expectation: Expectation | undefined): string {
  if (expectation === undefined) return 'more';
  const tokens = `${inThousands(expectation.tokens)} tokens`;
  return expectation.from === 'Plan'
    ? `${tokens} as planned`
    : `${tokens} as the largest of these engines did`;
}

function range(engines: readonly Compared[]): string {
  const tokens = engines.map((engine) => engine.tokens);
  const [least, most] = [Math.min(...tokens), Math.max(...tokens)];
  return least === most ? inThousands(least) : `${inThousands(least)} to ${inThousands(most)}`;
}

function inThousands(tokens: number): string {
  return tokens.toLocaleString('en-US');
}
