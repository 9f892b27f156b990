import type { PlanRequest, StatedFacts } from '../plan-types.ts';
import { findInCatalogue } from './catalogue.ts';
import { factsFromConfig } from './hugging-face-config.ts';
import type { ModelFacts } from './model-facts.ts';
import { estimateByName, quantizationByName, typicalConfig } from './name-estimate.ts';

/** Why nothing is known of a model. */
interface ModelMisfit {
  code: 'UnknownModel' | 'InvalidModelFacts';
  reason: string;
}

/**
 * What is known of a model: its config.json where given, else the catalogue, else an estimate by its name; stated
 * facts over whichever it was.
 */
export function resolveModel({ id, config, facts = {} }: PlanRequest['model']): ModelFacts | ModelMisfit {
  const name = id ?? nameInConfig(config) ?? 'the model';
  const base = baseOf(name, config, facts);
  if ('code' in base) return base;
  const found = factsFromConfig(name, base.config, asConfig(facts));
  if ('missing' in found) {
    return { code: 'InvalidModelFacts', reason: `config.json of ${name} cannot be used: ${found.missing}.` };
  }
  const quantization = found.quantization ?? (config === undefined ? quantizationByName(name) : undefined);
  return {
    ...found,
    source: base.source,
    quantization,
    bytesPerParameter: Math.max(facts.bytesPerParameter ?? found.bytesPerParameter, 1),
    assumptions: [...base.assumptions, ...found.assumptions],
  };
}

interface Base {
  config: Readonly<Record<string, unknown>>;
  source: ModelFacts['source'];
  assumptions: readonly string[];
}

function baseOf(
  name: string,
  config: PlanRequest['model']['config'],
  facts: StatedFacts,
): Base | ModelMisfit {
  if (config !== undefined) return { config, source: 'config', assumptions: [] };
  const known = findInCatalogue(name);
  if (known !== undefined) {
    const assumptions = name.startsWith('/') ? [`the folder ${name} is taken to hold ${known.name}`] : [];
    return { config: known.config, source: 'catalogue', assumptions };
  }
  if (isComplete(facts)) return { config: {}, source: 'stated', assumptions: [] };
  if (facts.parameters !== undefined) {
    const assumption = 'the shapes that are not stated are those of typical models of its size';
    return { config: typicalConfig(facts.parameters / 1e9), source: 'estimate', assumptions: [assumption] };
  }
  const estimate = estimateByName(name);
  if (estimate !== undefined) {
    return { config: estimate.config, source: 'estimate', assumptions: [estimate.assumption] };
  }
  return {
    code: 'UnknownModel',
    reason: `Nothing is known of ${name}: it is not in the catalogue and its name holds no size such as 7B.`,
  };
}

/** Enough to count everything else from. */
function isComplete(facts: StatedFacts): boolean {
  const { layers, hiddenSize, attentionHeads, vocabularySize } = facts;
  return [layers, hiddenSize, attentionHeads, vocabularySize].every((fact) => fact !== undefined);
}

function asConfig(facts: StatedFacts): Record<string, unknown> {
  const fields = {
    num_parameters: facts.parameters,
    num_hidden_layers: facts.layers,
    hidden_size: facts.hiddenSize,
    intermediate_size: facts.intermediateSize,
    num_attention_heads: facts.attentionHeads,
    num_key_value_heads: facts.keyValueHeads,
    head_dim: facts.headDimension,
    vocab_size: facts.vocabularySize,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function nameInConfig(config: PlanRequest['model']['config']): string | undefined {
  const name = config?._name_or_path;
  return typeof name === 'string' && name !== '' ? name : undefined;
}
