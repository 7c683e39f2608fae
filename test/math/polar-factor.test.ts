import test from 'ava';
import { loadEngine, tf } from 'calm-lm/engine';
import { POLYNOMIALS, type PolynomialName, polarFactor } from 'calm-lm/math';
import { RandomStream } from 'calm-lm/random';

test.before(async () => {
  await loadEngine('cpu');
});

/** U diag(σ) Vᵀ with known factors: plane rotations of an identity, so the polar factor is U Vᵀ. */
function knownMatrix(rows: number, columns: number, singularValues: readonly number[]) {
  const stream = new RandomStream(1, 'polar', rows, columns);
  const [u, v] = [rotation(rows, stream), rotation(columns, stream)];
  const size = Math.min(rows, columns);
  const product = (values: readonly number[]) =>
    Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (__, j) => {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += u[i][k] * values[k] * v[j][k];
        return sum;
      }),
    );
  return { matrix: product(singularValues), factor: product(new Array(size).fill(1)) };
}

function rotation(size: number, stream: RandomStream): number[][] {
  const q = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (__, j) => Number(i === j)));
  for (let i = 0; i < size; i++)
    for (let j = i + 1; j < size; j++) {
      const angle = 2 * Math.PI * stream.nextUniform();
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      for (const row of q) [row[i], row[j]] = [cos * row[i] - sin * row[j], sin * row[i] + cos * row[j]];
    }
  return q;
}

/** What the steps make of one singular value. */
function throughSteps(sigma: number, steps: number, name: PolynomialName): number {
  const polynomials = POLYNOMIALS[name];
  let x = sigma;
  for (let step = 0; step < steps; step++) {
    const [a, b, c] = polynomials[Math.min(step, polynomials.length - 1)];
    x = a * x + b * x ** 3 + c * x ** 5;
  }
  return x;
}

for (const [rows, columns] of [
  [4, 9],
  [9, 4],
  [5, 5],
] as const) {
  for (const name of Object.keys(POLYNOMIALS) as PolynomialName[]) {
    test(
      `${name} on ${rows} × ${columns}: singular vectors stay, singular values go where the ` +
        `polynomials take them`,
      (t) => {
        const values = [3, 1.5, 0.9, 0.4, 0.05].slice(0, Math.min(rows, columns));
        const { matrix } = knownMatrix(rows, columns, values);
        const norm = Math.hypot(...values) * (name === 'polar-express' ? 1.02 : 1);
        const expected = knownMatrix(
          rows,
          columns,
          values.map((sigma) => throughSteps(sigma / norm, 5, name)),
        ).matrix;
        const found = polarFactor(tf.tensor3d([matrix, matrix]), 5, name).arraySync() as number[][][];
        for (const one of found)
          one.forEach((row, i) => {
            row.forEach((value, j) => {
              t.true(Math.abs(value - expected[i][j]) < 2e-5, `${i}, ${j}: ${value} and ${expected[i][j]}`);
            });
          });
      },
    );
  }
}

test('all singular values come near 1, whatever the scale; zeros stay zeros', (t) => {
  const { matrix, factor } = knownMatrix(6, 8, [1, 0.8, 0.5, 0.3, 0.2, 0.1]);
  for (const scale of [1e-6, 1, 1e6]) {
    const scaled = matrix.map((row) => row.map((value) => value * scale));
    const [found] = polarFactor(tf.tensor3d([scaled]), 5, 'polar-express').arraySync() as number[][][];
    const distance = Math.hypot(...found.flatMap((row, i) => row.map((value, j) => value - factor[i][j])));
    // Singular values from 0.001 on end within 0.141 of 1: the test below has the polynomials alone.
    t.true(distance / Math.sqrt(6) < 0.141, `${distance}`);
  }
  t.deepEqual([...polarFactor(tf.zeros([1, 2, 3])).dataSync()], [0, 0, 0, 0, 0, 0]);
});

test('the polynomials take whatever is left of a momentum into their bands', (t) => {
  const grid = Array.from({ length: 2000 }, (_, i) => 0.01 * (1 / 0.0102) ** (i / 2000));
  const band = (name: PolynomialName) => {
    const ends = grid.map((sigma) => throughSteps(sigma, 5, name));
    return [Math.min(...ends), Math.max(...ends)];
  };
  const [low, high] = band('polar-express');
  t.true(low > 0.858 && high < 1.142, `${low} … ${high}`);
  const [jordanLow, jordanHigh] = band('newton-schulz');
  t.true(jordanLow > 0.68 && jordanHigh < 1.21, `${jordanLow} … ${jordanHigh}`);
});
