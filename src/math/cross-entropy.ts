/**
 * Vocabulary-sized products, a piece of the tokens at a time: the [tokens, vocabulary] array of logits is
 * never made.
 * N tokens · H hidden · V vocabulary.
 */

import { type Tensor, tf } from '../engine/index.ts';

/** Logits of one piece hold about this many numbers (16 MB), */
const PIECE_SIZE = 2 ** 22;
/** but a piece has at least this many tokens: a product of fewer rows would wait for the weights. */
const MIN_PIECE_TOKENS = 512;
/** Below this a probability's logarithm is cut off, at 87 nats; the gradient is not. */
const TINY = 2 ** -126;

/** Begin and length of each piece of the tokens. */
function pieces(numTokens: number, vocabSize: number): [begin: number, length: number][] {
  const length = Math.max(MIN_PIECE_TOKENS, Math.floor(PIECE_SIZE / vocabSize));
  return Array.from({ length: Math.ceil(numTokens / length) }, (_, i) => [
    i * length,
    Math.min(length, numTokens - i * length),
  ]);
}

/**
 * The mean of −log softmax(x Wᵀ)[target], in nats; lower is better. Gradients are made with the value, piece
 * by piece, from P = softmax(x Wᵀ):
 * at x it is P W − W[target], at W it is Pᵀ x − (x added up by target), over N. With weights w, each token's
 * part counts w times instead of 1/N times.
 * @param hidden x, [tokens, hidden]
 * @param weight W, [vocabulary, hidden]
 * @param targets [tokens], int32
 * @param tokenWeights [tokens], adding up to 1; all the same where absent
 * @returns a scalar
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  targets: Tensor,
  tokenWeights?: Tensor,
): Tensor {
  const [numTokens, vocabSize] = [hidden.shape[0], weight.shape[0]];
  const divisor = tokenWeights ? 1 : numTokens;
  const run = tf.customGrad((x, w, save) => {
    let sum: Tensor | undefined;
    let weightGradient: Tensor | undefined;
    const hiddenGradients: Tensor[] = [];
    for (const [begin, length] of pieces(numTokens, vocabSize)) {
      const piece = onePiece(
        slice(x as Tensor, begin, length),
        w as Tensor,
        slice(targets, begin, length),
        tokenWeights && slice(tokenWeights, begin, length),
        weightGradient,
      );
      sum = sum ? tf.add(sum, piece.loss) : piece.loss;
      weightGradient?.dispose();
      weightGradient = piece.weightGradient;
      hiddenGradients.push(piece.hiddenGradient);
    }
    const hiddenGradient = joinRows(hiddenGradients);
    const byTarget = tf.unsortedSegmentSum(
      weighed(x as Tensor, tokenWeights),
      targets as tf.Tensor1D,
      vocabSize,
    );
    (save as unknown as tf.GradSaveFunc)([hiddenGradient, tf.sub(weightGradient as Tensor, byTarget)]);
    const gradFunc = (dy: Tensor, gradients: Tensor[]) =>
      gradients.map((gradient) => tf.mul(gradient, tf.div(dy, divisor)));
    return { value: tf.div(sum as Tensor, divisor), gradFunc };
  });
  return run(hidden, weight);
}

/**
 * Loss and gradients of one piece, summed over its tokens; the weight's gradient is added to that of the
 * pieces before.
 */
function onePiece(
  x: Tensor,
  weight: Tensor,
  targets: Tensor,
  weights: Tensor | undefined,
  before: Tensor | undefined,
): { loss: Tensor; hiddenGradient: Tensor; weightGradient: Tensor } {
  return tf.tidy(() => {
    const [length, vocabSize] = [x.shape[0], weight.shape[0]];
    const probabilities = tf.softmax(product(x, weight, false, true));
    const places = tf.add(tf.mul(tf.range(0, length, 1, 'int32'), tf.scalar(vocabSize, 'int32')), targets);
    const chosen = tf.gather(tf.reshape(probabilities, [-1]), places as tf.Tensor1D);
    const share = product(probabilities, weighed(x, weights), true, false);
    const logs = tf.log(tf.maximum(chosen, TINY));
    const hiddenGradient = tf.sub(
      product(probabilities, weight, false, false),
      tf.gather(weight, targets as tf.Tensor1D),
    );
    return {
      loss: tf.neg(tf.sum(weights ? tf.mul(logs, weights) : logs)),
      hiddenGradient: weighed(hiddenGradient, weights),
      weightGradient: before ? tf.add(share, before) : share,
    };
  });
}

/**
 * The likeliest token, argmax x Wᵀ. No softmax: only the order counts.
 * @param hidden x, [tokens, hidden]
 * @param weight W, [vocabulary, hidden]
 * @returns [tokens], int32
 */
export function linearArgMax(hidden: Tensor, weight: Tensor): Tensor {
  const found = pieces(hidden.shape[0], weight.shape[0]).map(([begin, length]) =>
    tf.tidy(() => tf.argMax(product(slice(hidden, begin, length), weight, false, true), -1)),
  );
  return joinRows(found);
}

/** Rows, each times its weight. */
function weighed(rows: Tensor, weights: Tensor | undefined): Tensor {
  return weights ? tf.mul(rows, tf.expandDims(weights, 1)) : rows;
}

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, transposeA, transposeB);
}

function slice(x: Tensor, begin: number, length: number): Tensor {
  return length === x.shape[0]
    ? x
    : tf.slice(x, [begin, ...x.shape.slice(1).map(() => 0)], [length, ...x.shape.slice(1)]);
}

function joinRows(parts: Tensor[]): Tensor {
  const [only, another] = parts;
  return only && !another ? only : tf.concat(parts, 0);
}
