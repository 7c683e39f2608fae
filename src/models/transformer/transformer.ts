/**
 * The discrete Transformer that the paper compares CALM with (§7): a Llama over tokens with a language-model
 * head, trained by cross-entropy. Names are those of Hugging Face's LlamaForCausalLM.
 * B batch · T tokens · H hidden · V vocabulary.
 */

import { type Tensor, type TensorMap, tensorOf, tf } from '../../engine/index.ts';
import { embed, linear, linearCrossEntropy } from '../../math/index.ts';
import { type Branches, type LlamaOutput, llamaTable, type Past, runLlama } from '../llama.ts';
import type { ParameterTable } from '../parameters.ts';
import type { TransformerConfig } from './config.ts';

const PREFIX = 'model';

export interface Transformer {
  readonly config: TransformerConfig;
  readonly parameters: TensorMap;
}

/** Every trainable parameter. */
export function transformerTable(config: TransformerConfig): ParameterTable {
  const embedding = { shape: [config.vocabSize, config.hiddenSize], init: 'normal' } as const;
  return {
    [`${PREFIX}.embed_tokens.weight`]: embedding,
    ...llamaTable(PREFIX, config),
    ...(config.tieWordEmbeddings ? {} : { 'lm_head.weight': embedding }),
  };
}

/** One pass over tokens, after those of the past if there is one. @param ids [batch, tokens], int32 */
export function runTransformer(
  parameters: TensorMap,
  config: TransformerConfig,
  ids: Tensor,
  past?: Past | Branches,
): LlamaOutput {
  const embedded = embed(
    tensorOf(parameters, `${PREFIX}.embed_tokens.weight`),
    tf.reshape(ids, [-1]),
    config.padTokenId,
  );
  return runLlama(parameters, PREFIX, config, tf.reshape(embedded, [...ids.shape, config.hiddenSize]), past);
}

/** The head's matrix, [vocabulary, hidden]. */
function headWeight(parameters: TensorMap): Tensor {
  return parameters['lm_head.weight'] ?? tensorOf(parameters, `${PREFIX}.embed_tokens.weight`);
}

/** Logits after each hidden state, [..., hidden] → [..., vocabulary]. */
export function tokenLogits(parameters: TensorMap, hidden: Tensor): Tensor {
  return linear(hidden, headWeight(parameters));
}

/**
 * The mean of −log p(next token), in nats a token; lower is better.
 * @param ids [batch, tokens], int32: every token but the last
 * @param targets the next token of each, row by row; int32
 * @param positions which of the batch·tokens positions have a target; all of them where it is absent
 * @param weights of those positions, adding up to 1; all the same where it is absent
 */
export function transformerLoss(
  parameters: TensorMap,
  config: TransformerConfig,
  ids: Tensor,
  targets: Tensor,
  positions?: Tensor,
  weights?: Tensor,
): Tensor {
  const hidden = tf.reshape(runTransformer(parameters, config, ids).hidden, [-1, config.hiddenSize]);
  return linearCrossEntropy(
    positions ? tf.gather(hidden, positions as tf.Tensor1D) : hidden,
    headWeight(parameters),
    targets,
    weights,
  );
}
