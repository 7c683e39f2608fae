import test from 'ava';
import { permutedIndex, RandomStream, streamKey, threefry2x32, xoshiro128 } from '../src/random.ts';

function threefry(key: [number, number], counter: [number, number]): string[] {
  const out = new Uint32Array(2);
  threefry2x32(key[0], key[1], counter[0], counter[1], out);
  return Array.from(out, (word) => word.toString(16).padStart(8, '0'));
}

// Random123's known answers for threefry2x32 with 20 rounds (kat_vectors).
test('Threefry-2x32-20 gives the published answers', (t) => {
  t.deepEqual(threefry([0, 0], [0, 0]), ['6b200159', '99ba4efe']);
  t.deepEqual(threefry([-1, -1], [-1, -1]), ['1cb996fc', 'bb002be7']);
  t.deepEqual(threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]), ['c4923a9c', '483df7a0']);
});

// The answers of rand_xoshiro (Rust) and of the authors' C code for the state 1, 2, 3, 4.
test('xoshiro128++ gives the published answers', (t) => {
  const words = new Int32Array(6);
  xoshiro128(Int32Array.of(1, 2, 3, 4), words);
  t.deepEqual(
    Array.from(words, (word) => word >>> 0),
    [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768],
  );
});

test('a stream is the same whether it is read number by number or at once', (t) => {
  const [whole, parts] = [new RandomStream(3, 'x'), new RandomStream(3, 'x')];
  const all = whole.normals(5000);
  t.deepEqual(all.slice(0, 7), parts.normals(7));
  t.deepEqual(all.slice(7), parts.normals(4993));
  t.is(whole.nextWord(), parts.nextWord());
});

test('a stream is a function of its name alone', (t) => {
  const draw = (...labels: (string | number)[]) => new RandomStream(7, ...labels).normals(8);
  t.deepEqual(draw('a', 3), draw('a', 3));
  t.notDeepEqual(draw('a', 3), draw('a', 4));
  t.notDeepEqual(draw('a', 3), draw('b', 3));
  t.notDeepEqual(draw('ab'), draw('ba'));
});

test('normals have mean 0, variance 1 and the right tails', (t) => {
  const draws = new RandomStream(1, 'normals').normals(200_000);
  const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
  const variance = draws.reduce((sum, x) => sum + x * x, 0) / draws.length;
  const beyond = (limit: number) => draws.filter((x) => Math.abs(x) > limit).length / draws.length;
  const tail = beyond(1.959964);
  t.true(Math.abs(mean) < 0.01, `mean ${mean}`);
  t.true(Math.abs(variance - 1) < 0.015, `variance ${variance}`);
  t.true(Math.abs(tail - 0.05) < 0.002, `tail ${tail}`);
  // Beyond the ziggurat's last edge.
  t.true(Math.abs(beyond(3.442619855899) - 0.000576) < 0.0002, `${beyond(3.442619855899)}`);
});

test('integers are uniform, also where the bound is no power of two', (t) => {
  const stream = new RandomStream(2, 'integers');
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[stream.nextInteger(7)]++;
  const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  t.true(chiSquare < 22.5, `chi² ${chiSquare} with 6 degrees of freedom`);
});

test('permutedIndex visits everything once, in another order for another key', (t) => {
  for (const size of [1, 2, 3, 10, 1000]) {
    const order = Array.from({ length: size }, (_, i) => permutedIndex(i, size, streamKey(1, 'order')));
    t.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: size }, (_, i) => i),
    );
  }
  const order = (label: string) =>
    Array.from({ length: 50 }, (_, i) => permutedIndex(i, 50, streamKey(1, label)));
  t.notDeepEqual(order('a'), order('b'));
});
