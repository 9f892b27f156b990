import type { Confidence } from '../plan-types.ts';
import type { Situation } from './situation.ts';

/** How sure a plan is, and what that rests on, in words. */
export function confidenceOf(situation: Situation): { confidence: Confidence; basis: string } {
  const low = guesses(situation);
  if (low.length > 0) return { confidence: 'low', basis: `Guessed: ${low.join('; ')}.` };
  const medium = extrapolations(situation);
  if (medium.length > 0) return { confidence: 'medium', basis: `Carried over: ${medium.join('; ')}.` };
  const { isLater, release } = situation.rules;
  const carriedOn = isLater ? ` vLLM ${release} is planned with the terms of 0.26.` : '';
  return {
    confidence: 'high',
    basis: `A dense model on one GPU: of this kind starts of vLLM 0.17 to 0.19 and 0.26 on H100s were measured.${carriedOn}`,
  };
}

function guesses({ model, rules, quantization }: Situation): string[] {
  return [
    ...(model.source === 'estimate' ? model.assumptions : []),
    ...(rules.isKnown ? [] : [`the release of vLLM is not known, ${rules.release} is assumed`]),
    ...(quantization?.isUnknown === true ? [`how ${quantization.method} packs weights is not known`] : []),
    ...(model.hasStateLayers ? ['layers that keep a state are counted as if they kept a KV cache'] : []),
  ];
}

function extrapolations({ model, slot, rules, request }: Situation): string[] {
  const { cachedLayers, attention } = model;
  return [
    ...(model.source === 'estimate' ? [] : model.assumptions),
    ...(rules.isMeasured ? [] : [`vLLM ${rules.release} was not measured`]),
    ...(request.tensorParallel > 1 ? ['buffers between GPUs differ by node'] : []),
    ...(model.isMixtureOfExperts ? ['few mixtures of experts were measured'] : []),
    ...(attention.kind === 'latent' ? ['latent attention was not measured'] : []),
    ...(cachedLayers.sliding > 0 ? ['sliding windows were not measured'] : []),
    ...(model.hasVisionTower ? ['what pictures take was measured once'] : []),
    ...(request.lora === undefined ? [] : ['adapters were measured once']),
    ...(slot.sharing.kind === 'mig' ? ['MIG slices were not measured'] : []),
  ];
}
