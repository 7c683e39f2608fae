/** Carried out by every rank of a test: sums, says and compares, and the first one prints what came of it. */

import { joinRanks, nodesOf } from '../../src/cluster/index.ts';

const NUM_LEAVES = 5;
const LENGTH = 100_003;

const cluster = await joinRanks();
if (!cluster) throw new Error('not started by mpirun');
const { rank, size } = cluster;
if (process.argv[2] === 'fail' && rank === 1) {
  await cluster.fail(Object.assign(new Error('out of luck'), { code: 'CALM_LUCK', exitCode: 3 }) as never);
  process.exit(3);
}
const leaf = (number: number) =>
  Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(1 + i * (number + 1)) / 3);
const add = async (left: Float32Array, right: Float32Array) =>
  left.map((value, i) => value + (right[i] as number));
const sumOf = async (from: number, count: number): Promise<Float32Array> => {
  if (count === 1) return leaf(from);
  const left = 2 ** Math.ceil(Math.log2(count) - 1);
  return add(await sumOf(from, left), await sumOf(from + left, count - left));
};
try {
  const parts = [];
  for (const node of nodesOf(NUM_LEAVES, rank, size))
    parts.push([node, await sumOf(node.from, node.count)] as const);
  const sum = await cluster.allReduce(NUM_LEAVES, parts, add);
  const expected = await sumOf(0, NUM_LEAVES);
  const isSame = sum.every((value, i) => Object.is(value, expected[i]));
  const numbers = new Float32Array(3).fill(rank + 1);
  await cluster.broadcastInto(numbers);
  const told = await cluster.broadcast(rank === 0 ? { step: 3, loss: Number.NaN } : undefined);
  const isAnyLast = await cluster.any(rank === size - 1);
  const isNone = !(await cluster.any(false));
  const all = await cluster.gather({ rank, isSame, numbers: [...numbers], told, isAnyLast, isNone });
  await cluster.leave();
  if (rank === 0) console.log(JSON.stringify(all));
} catch (error) {
  if (rank === 0)
    console.log(JSON.stringify({ code: (error as { code: string }).code, message: String(error) }));
  await cluster.fail(error as never);
  process.exit(1);
}
