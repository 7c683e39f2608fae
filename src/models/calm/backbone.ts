/**
 * The backbone (paper §3): a Llama over patches.  B batch · P patches · K tokens a patch · H hidden · L
 * latent.
 * Its input is discrete: the K token embeddings of a patch, compressed by a two-layer network. Table 5 of the
 * paper compares it with the patch's latent vector, and with both.
 */

import { type Tensor, type TensorMap, tensorOf, tf } from '../../engine/index.ts';
import { embed, layerNorm, linear, silu } from '../../math/index.ts';
import { type Branches, type LlamaOutput, llamaTable, type Past, runLlama } from '../llama.ts';
import { linearSpec, normSpec, type ParameterTable } from '../parameters.ts';
import type { CalmConfig } from './config.ts';

const PREFIX = 'transformer';

export function backboneTable(config: CalmConfig): ParameterTable {
  const { hiddenSize: hidden, patchSize, latentSize, inputMode } = config;
  return {
    ...(readsTokens(config)
      ? { [`${PREFIX}.embed_tokens.weight`]: { shape: [config.vocabSize, hidden], init: 'normal' } as const }
      : {}),
    ...llamaTable(PREFIX, config),
    ...(readsTokens(config) ? compressorTable('embed_proj', patchSize * hidden, hidden) : {}),
    ...(inputMode === 'discrete' ? {} : compressorTable('latent_proj', latentSize, hidden)),
  };
}

/** Whether the frozen encoder's vectors are needed beside the token ids. */
export function readsLatents({ inputMode }: CalmConfig): boolean {
  return inputMode !== 'discrete';
}

function readsTokens({ inputMode }: CalmConfig): boolean {
  return inputMode !== 'continuous';
}

function compressorTable(name: string, inSize: number, hidden: number): ParameterTable {
  return {
    ...linearSpec(`${name}.0`, inSize, 2 * hidden, true),
    ...linearSpec(`${name}.2`, 2 * hidden, hidden, true),
    ...normSpec(`${name}.3`, hidden, true),
  };
}

/** LayerNorm(Linear(silu(Linear(x)))), [..., in] → [..., hidden]. */
function compress(parameters: TensorMap, name: string, x: Tensor): Tensor {
  const wide = silu(
    linear(x, tensorOf(parameters, `${name}.0.weight`), tensorOf(parameters, `${name}.0.bias`)),
  );
  const narrow = linear(
    wide,
    tensorOf(parameters, `${name}.2.weight`),
    tensorOf(parameters, `${name}.2.bias`),
  );
  return layerNorm(narrow, tensorOf(parameters, `${name}.3.weight`), tensorOf(parameters, `${name}.3.bias`));
}

/**
 * Patches to one vector each. `discrete`: the compressed token embeddings; the padding row is used but gets
 * no gradient. `continuous`: the compressed latent
 * mean that the frozen encoder gives the patch. `both`: their sum.
 * @param ids [batch, patches·K], int32
 * @param latents [batch, patches, latent]; needed unless the input is discrete
 * @returns [batch, patches, hidden]
 */
export function embedPatches(
  parameters: TensorMap,
  config: CalmConfig,
  ids: Tensor,
  latents?: Tensor,
): Tensor {
  const fromLatents = readsLatents(config)
    ? compress(parameters, 'latent_proj', latents as Tensor)
    : undefined;
  if (!readsTokens(config)) return fromLatents as Tensor;
  const embedded = embed(
    tensorOf(parameters, `${PREFIX}.embed_tokens.weight`),
    tf.reshape(ids, [-1]),
    config.padTokenId,
  );
  const fromTokens = compress(
    parameters,
    'embed_proj',
    tf.reshape(embedded, [ids.shape[0], -1, config.patchSize * config.hiddenSize]),
  );
  return fromLatents ? tf.add(fromTokens, fromLatents) : fromTokens;
}

/**
 * One pass over patches, after those of the past if there is one.
 * @param embeds [batch, patches, hidden]
 */
export function runBackbone(
  parameters: TensorMap,
  config: CalmConfig,
  embeds: Tensor,
  past?: Past | Branches,
): LlamaOutput {
  return runLlama(parameters, PREFIX, config, embeds, past);
}
