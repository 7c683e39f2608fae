import test from 'ava';
import { nodesOf, shareOf, sumOf, sumOfNodes, type TreeNode } from '../../src/cluster/index.ts';

/** How a tree is summed, in brackets. */
const written = (node: TreeNode) =>
  sumOf<string>(
    node,
    ({ from, count }) => (count === 1 ? String(from) : undefined),
    async (left, right) => `(${left}+${right})`,
  );

test('the tree depends on the number of leaves alone', async (t) => {
  const trees = await Promise.all([1, 2, 3, 4, 5, 6].map((count) => written({ from: 0, count })));
  t.deepEqual(trees, [
    '0',
    '(0+1)',
    '((0+1)+2)',
    '((0+1)+(2+3))',
    '(((0+1)+(2+3))+4)',
    '(((0+1)+(2+3))+(4+5))',
  ]);
});

test('however the leaves are shared out, the sums of ranks add up to the same tree', async (t) => {
  for (let numLeaves = 1; numLeaves <= 17; numLeaves++)
    for (let size = 1; size <= numLeaves; size++) {
      const nodes: [TreeNode, string][] = [];
      let end = 0;
      for (let rank = 0; rank < size; rank++) {
        const share = shareOf(numLeaves, rank, size);
        t.is(share.from, end);
        t.true(share.count >= Math.floor(numLeaves / size) && share.count <= Math.ceil(numLeaves / size));
        end += share.count;
        for (const node of nodesOf(numLeaves, rank, size)) nodes.push([node, await written(node)]);
      }
      t.is(end, numLeaves);
      const sum = await sumOfNodes(numLeaves, nodes, async (left, right) => `(${left}+${right})`);
      t.is(sum, await written({ from: 0, count: numLeaves }), `${numLeaves} leaves, ${size} ranks`);
    }
});

test('ranks that divide the leaves hold one node each', (t) => {
  t.deepEqual(nodesOf(8, 1, 4), [{ from: 2, count: 2 }]);
  t.deepEqual(nodesOf(8, 1, 3), [
    { from: 2, count: 2 },
    { from: 4, count: 1 },
  ]);
});
