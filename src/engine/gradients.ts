// For its side effect: the Node build of tfjs-core registers no gradients, that of tfjs-layers registers all
// of them.
import '@tensorflow/tfjs-layers';
import { type TensorMap, tf } from './tensors.ts';

/** A scalar loss and whatever else its computation is to show. */
export type LossOutputs = { readonly loss: tf.Tensor } & Readonly<Record<string, tf.Tensor>>;

/**
 * A loss with its companions, and the gradient of the loss for each parameter; zero for a parameter that the
 * loss does not use. Call it inside a step: everything it makes belongs to the surrounding tidy.
 */
export function valueAndGradients<Outputs extends LossOutputs, Parameters extends TensorMap>(
  compute: () => Outputs,
  parameters: Parameters,
): { outputs: Outputs; gradients: Record<keyof Parameters, tf.Tensor> } {
  const entries = Object.entries(parameters);
  const tensors = entries.map(([, tensor]) => tensor);
  let kept = {} as Outputs;
  const forward = () => {
    kept = compute();
    for (const tensor of Object.values(kept)) tf.keep(tensor);
    return kept.loss;
  };
  const { grads } = tf.engine().gradients(forward, tensors, undefined, true);
  const outputs = Object.fromEntries(
    Object.entries(kept).map(([name, tensor]) => [name, handToScope(tensor)]),
  ) as Outputs;
  const gradients = Object.fromEntries(
    entries.map(([name, tensor], i) => [name, grads[i] ?? tf.zerosLike(tensor)]),
  );
  return { outputs, gradients: gradients as Record<keyof Parameters, tf.Tensor> };
}

/** A kept tensor outlives every tidy; its clone belongs to the current one. */
function handToScope(kept: tf.Tensor): tf.Tensor {
  const clone = tf.clone(kept);
  kept.dispose();
  return clone;
}
