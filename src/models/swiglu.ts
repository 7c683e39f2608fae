import { type Tensor, type TensorMap, tensorOf } from '../engine/index.ts';
import { gatedSilu, linear } from '../math/index.ts';

/**
 * W_down( silu(W_gate x) ⊙ W_up x ), the feed-forward layer of Llama and of the autoencoder; [..., size] →
 * [..., size].
 */
export function swiglu(parameters: TensorMap, name: string, x: Tensor): Tensor {
  const gate = linear(x, tensorOf(parameters, `${name}.gate_proj.weight`));
  const up = linear(x, tensorOf(parameters, `${name}.up_proj.weight`));
  return linear(gatedSilu(gate, up), tensorOf(parameters, `${name}.down_proj.weight`));
}
