/** The plane in which vectors differ most: principal components by the power method. */

const ROUNDS = 100;

/**
 * @param vectors [count · size]
 * @returns [count · 2], and which share of all variance the plane shows
 */
export function principalPlane(vectors: Float32Array, size: number): { points: Float32Array; share: number } {
  const count = vectors.length / size;
  const centred = centre(vectors, size);
  const covariance = covarianceOf(centred, size);
  const total = covariance.reduce((sum, value, i) => (i % (size + 1) === 0 ? sum + value : sum), 0);
  const points = new Float32Array(2 * count);
  let shown = 0;
  for (let axis = 0; axis < 2; axis++) {
    const { direction, variance } = largestDirection(covariance, size);
    shown += variance;
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += (centred[i * size + k] as number) * (direction[k] as number);
      points[2 * i + axis] = sum;
    }
    for (let a = 0; a < size; a++)
      for (let b = 0; b < size; b++)
        (covariance[a * size + b] as number) -=
          variance * (direction[a] as number) * (direction[b] as number);
  }
  return { points, share: total > 0 ? Math.min(1, shown / total) : 1 };
}

function centre(vectors: Float32Array, size: number): Float64Array {
  const sums = new Float64Array(size);
  const count = vectors.length / size;
  vectors.forEach((value, i) => {
    (sums[i % size] as number) += value;
  });
  return Float64Array.from(vectors, (value, i) => value - (sums[i % size] as number) / count);
}

function covarianceOf(centred: Float64Array, size: number): Float64Array {
  const covariance = new Float64Array(size * size);
  const count = centred.length / size;
  for (let i = 0; i < centred.length; i += size)
    for (let a = 0; a < size; a++)
      for (let b = 0; b < size; b++)
        (covariance[a * size + b] as number) +=
          ((centred[i + a] as number) * (centred[i + b] as number)) / count;
  return covariance;
}

function largestDirection(matrix: Float64Array, size: number) {
  // Any start that is no eigenvector will do; the same one, so that a plane does not turn.
  let direction = Float64Array.from({ length: size }, (_, k) => 1 / (1 + k));
  let variance = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(size);
    for (let a = 0; a < size; a++)
      for (let b = 0; b < size; b++)
        (next[a] as number) += (matrix[a * size + b] as number) * (direction[b] as number);
    variance = Math.hypot(...next);
    if (variance === 0) return { direction, variance };
    direction = next.map((value) => value / variance);
  }
  return { direction, variance };
}
