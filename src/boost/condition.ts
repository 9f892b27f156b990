import { type ActiveBoost, activeBoost, type Boost, boostOf } from '../api/boost.ts';
import type { ConditionDraft } from '../api/condition.ts';
import { BOOST_REASONS, BOOSTED } from '../api/reasons.ts';
import { minuteInZone } from '../timetable/words.ts';

export interface BoostedObject {
  /** `spec.boost` of a class or seat; absent as well as null: it has none. */
  readonly boost: Boost | null | undefined;
  /** For a seat, the boost of its class. */
  readonly classBoost?: Boost | null | undefined;
  /** Whose limits, such as `alice` or `all students`. */
  readonly whose: string;
  readonly isExam: boolean;
  /** Of the class, for times. */
  readonly timeZone: string;
}

/**
 * Boosted: whether the boost of a class or seat raises its limits, and until when. Undefined where there is none, or none
 * that can be read.
 *
 * @param nowMs epoch ms
 */
export function boostedCondition(object: BoostedObject, nowMs: number): ConditionDraft | undefined {
  const boost = boostOf(object.boost ?? undefined);
  if (boost === undefined || Number.isNaN(boost.untilMs)) return undefined;
  const end = minuteInZone(boost.untilMs, object.timeZone);
  if (nowMs >= boost.untilMs) {
    const message = `The boost ended ${end}: the usual limits hold. Take \`spec.boost\` away, or set a later \`until\`.`;
    return { type: BOOSTED, status: 'False', reason: BOOST_REASONS.boostOver, message };
  }
  if (object.isExam) {
    const message = `No boost counts in an exam. The one of \`spec.boost\` counts again once it is over, until ${end}.`;
    return { type: BOOSTED, status: 'False', reason: BOOST_REASONS.boostPaused, message };
  }
  const larger = largerOfClass(boost, object.classBoost, nowMs);
  const raise = `The limits of ${object.whose} are ${boost.factor} times the usual ones until ${end}, and then by themselves as before.`;
  const more =
    larger === undefined
      ? []
      : [`Meanwhile the boost of the class holds, which is larger: ${larger.factor}.`];
  const message = [raise, ...more].join(' ');
  return { type: BOOSTED, status: 'True', reason: BOOST_REASONS.boostRunning, message };
}

function largerOfClass(
  own: ActiveBoost,
  classBoost: Boost | null | undefined,
  nowMs: number,
): ActiveBoost | undefined {
  const best = activeBoost([own, boostOf(classBoost ?? undefined)], nowMs);
  return best !== undefined && best.factor > own.factor ? best : undefined;
}

/** Epoch ms at which a boost ends that lies ahead: then the condition is another one. Undefined: none does. */
export function boostEndMs(boost: Boost | null | undefined, nowMs: number): number | undefined {
  return activeBoost([boostOf(boost ?? undefined)], nowMs)?.untilMs;
}
