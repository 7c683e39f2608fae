/** Cross-entropy of token logits. N tokens · V vocabulary. */

import { type Tensor, tf } from '../engine/index.ts';

/**
 * The mean of −log softmax(logits)[target], in nats; lower is better.
 * log Σ exp is read off the softmax, max(x) − log(max(p)): exact, and it saves the slow exponentials. The gradient is (p − onehot) / N.
 * @param logits [tokens, vocabulary]
 * @param targets [tokens], int32
 * @returns a scalar
 */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const [numTokens, vocabSize] = logits.shape;
  const run = tf.customGrad((x, save) => {
    const scores = x as tf.Tensor2D;
    const probabilities = tf.softmax(scores);
    const logSumExp = tf.sub(tf.max(scores, 1), tf.log(tf.max(probabilities, 1)));
    const flatIndex = tf.add(tf.mul(tf.range(0, numTokens, 1, 'int32'), tf.scalar(vocabSize, 'int32')), targets);
    const chosen = tf.gather(tf.reshape(scores, [-1]), flatIndex as tf.Tensor1D);
    (save as tf.GradSaveFunc)([probabilities, targets]);
    return {
      value: tf.mean(tf.sub(logSumExp, chosen)),
      gradFunc: (dy, [p, saved]) => tf.mul(tf.sub(p, tf.oneHot(saved as tf.Tensor1D, vocabSize, 1, 0, 'float32')), tf.div(dy, numTokens)),
    };
  });
  return run(logits);
}
