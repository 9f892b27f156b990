import type { TokenUsage } from '../token-usage.ts';
import type { OutcomeKind } from './settlement.ts';

/**
 * Where the figures of a charge come from.
 * - `reported`: the engine's own count of the complete answer
 * - `seen`: the answer broke off; the engine's last count, or one token for each piece of text that came
 * - `expected`: the answer broke off before the engine said how long the prompt is, which is then estimated
 * - `reserved`: a complete answer without any count; all that was reserved
 * - `nothing`: the request costs nothing
 */
export const CHARGE_BASES = ['reported', 'seen', 'expected', 'reserved', 'nothing'] as const;
export type ChargeBasis = (typeof CHARGE_BASES)[number];

/** What is known of a request when it is over. */
export interface Metered {
  readonly outcome: OutcomeKind;
  /** An engine has received the request. */
  readonly reachedEngine: boolean;
  /** The engine's last count. */
  readonly reported: TokenUsage | undefined;
  /** Output tokens that came. */
  readonly seenTokens: number;
  /** What the prompt will probably count. */
  readonly expectedPromptTokens: number;
  /** The most it could have cost. */
  readonly reserved: { readonly promptTokens: number; readonly outputTokens: number };
}

export interface Charge {
  /** Undefined: nothing is charged. */
  readonly usage: TokenUsage | undefined;
  readonly basis: ChargeBasis;
}

const NOTHING: Charge = { usage: undefined, basis: 'nothing' };

/**
 * What a request is charged.
 *
 * | end | charge |
 * |---|---|
 * | completed | as the engine reported it; a reported zero stays zero |
 * | completed, and the engine reported nothing | what was reserved |
 * | no place in the queue, refused, or not answered before the first byte of an answer | nothing |
 * | the client left while the request waited for an engine | nothing |
 * | the client left, or the answer broke off | the prompt, and the output tokens that had come |
 */
export function chargeOf(metered: Metered): Charge {
  switch (metered.outcome) {
    case 'refused':
    case 'unanswered':
    case 'throttled':
      return NOTHING;
    case 'completed':
      return completed(metered);
    case 'client-left':
    case 'interrupted':
      return metered.reachedEngine ? brokenOff(metered) : NOTHING;
  }
}

function completed({ reported, reserved }: Metered): Charge {
  if (reported !== undefined) return { usage: reported, basis: 'reported' };
  const { promptTokens, outputTokens } = reserved;
  return {
    usage: { promptTokens, completionTokens: outputTokens, cachedTokens: undefined },
    basis: 'reserved',
  };
}

function brokenOff({ reported, seenTokens, expectedPromptTokens }: Metered): Charge {
  return {
    usage: {
      promptTokens: reported?.promptTokens ?? expectedPromptTokens,
      completionTokens: Math.max(reported?.completionTokens ?? 0, seenTokens),
      cachedTokens: reported?.cachedTokens,
    },
    basis: reported === undefined ? 'expected' : 'seen',
  };
}
