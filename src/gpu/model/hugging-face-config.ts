import type { z } from 'zod';
import { readQuantization } from './checkpoint-quantization.ts';
import { cachedAttention, keepsState, readCachedLayers } from './hugging-face/cached-layers.ts';
import { type Config, configSchema } from './hugging-face/fields.ts';
import { languageModel } from './hugging-face/language-model.ts';
import { readMaxContext, rotaryBytes } from './hugging-face/positions.ts';
import { readShapes, widest } from './hugging-face/shapes.ts';
import { visionParameters } from './hugging-face/vision-tower.ts';
import type { ModelFacts, ParameterCount } from './model-facts.ts';
import { countParameters, withTotal } from './parameters.ts';

/**
 * Reads what memory depends on from a Hugging Face `config.json`: dense, grouped-query, mixture of experts, latent
 * attention, sliding windows, tied embeddings, quantisation, and language models inside of multimodal ones. Parameters
 * are counted from the shapes unless the file has `num_parameters`.
 *
 * @param stated fields that come before those of the file
 * @returns the facts, or what is missing
 */
export function factsFromConfig(
  name: string,
  raw: Readonly<Record<string, unknown>>,
  stated: Readonly<Record<string, unknown>> = {},
): ModelFacts | { missing: string } {
  const found = configSchema.safeParse({ ...languageModel(raw), ...stated });
  if (!found.success) return { missing: describe(found.error) };
  const config = found.data;
  const shapes = readShapes(config);
  if ('missing' in shapes) return shapes;
  const family = config.model_type ?? undefined;
  const tower = visionParameters(raw, shapes.hiddenSize);
  const quantization = readQuantization(config.quantization_config ?? config.compression_config ?? undefined);
  const counted = countParameters(shapes, tower + perLayerEmbeddings(config, shapes.layers));
  const { parameters, assumptions } = reconcile(counted, config, quantization !== undefined);
  const hasStateLayers = keepsState(config);
  return {
    name,
    source: 'config',
    family,
    layers: shapes.layers,
    hiddenSize: shapes.hiddenSize,
    intermediateSize: widest(shapes),
    attentionHeads: shapes.attention.heads,
    vocabularySize: shapes.vocabularySize,
    attention: cachedAttention(shapes.attention, config),
    cachedLayers: readCachedLayers(config, shapes.layers, hasStateLayers),
    isMixtureOfExperts: shapes.experts !== undefined,
    hasStateLayers,
    hasAttentionBias: shapes.attention.kind === 'heads' && shapes.attention.hasBias,
    hasVisionTower: tower > 0,
    parameters,
    bytesPerParameter: 2,
    quantization,
    rotaryBytes: rotaryBytes(config, shapes),
    maxContext: readMaxContext(config),
    assumptions,
  };
}

/** Gemma 3n keeps an embedding for each layer. */
function perLayerEmbeddings(config: Config, layers: number): number {
  return (config.hidden_size_per_layer_input ?? 0) * (config.vocab_size_per_layer_input ?? 0) * layers;
}

/** A count in the file that the shapes make impossible is left aside. */
function reconcile(
  counted: ParameterCount,
  config: Config,
  isQuantized: boolean,
): { parameters: ParameterCount; assumptions: string[] } {
  const stated = config.num_parameters;
  if (!stated) return { parameters: counted, assumptions: [] };
  const least = isQuantized ? 0.8 : 0.5;
  if (stated >= least * counted.total) return { parameters: withTotal(counted, stated), assumptions: [] };
  const why = isQuantized ? 'packed weights are counted several at a time there' : 'the shapes make far more';
  return {
    parameters: counted,
    assumptions: [`num_parameters ${stated} is left aside: ${why}; ${counted.total} are counted`],
  };
}

function describe(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.')} (${message})`).join(', ');
}
