/**
 * The one order in which the contributions to a step are summed: a binary tree over their numbers, which
 * depends on how many there are and on nothing else. Whoever holds the sum of a node may have made it anywhere.
 */

/** A node: the leaves from one on, so many of them. */
export interface TreeNode {
  readonly from: number;
  readonly count: number;
}

/** Sums two values into one; takes neither over. */
export type Add<T = Float32Array> = (left: T, right: T) => Promise<T>;

/** The leaves of a rank: neighbours, as evenly shared out as whole numbers allow. */
export function shareOf(numLeaves: number, rank: number, size: number): TreeNode {
  const from = Math.floor((rank * numLeaves) / size);
  return { from, count: Math.floor(((rank + 1) * numLeaves) / size) - from };
}

/** The largest nodes of a tree whose leaves are all among those of a rank, from left to right. */
export function nodesOf(numLeaves: number, rank: number, size: number): TreeNode[] {
  return largestIn({ from: 0, count: numLeaves }, shareOf(numLeaves, rank, size));
}

function largestIn(node: TreeNode, { from, count }: TreeNode): TreeNode[] {
  const end = node.from + node.count;
  if (end <= from || node.from >= from + count) return [];
  if (node.from >= from && end <= from + count) return [node];
  return halvesOf(node).flatMap((half) => largestIn(half, { from, count }));
}

/** To the left the largest power of two that leaves something for the right. */
function halvesOf({ from, count }: TreeNode): [TreeNode, TreeNode] {
  const left = 2 ** Math.ceil(Math.log2(count) - 1);
  return [
    { from, count: left },
    { from: from + left, count: count - left },
  ];
}

/**
 * The sum of a node: as it is found, or of its halves, the left one first.
 * @param find gives what is known of a node; of a leaf always
 */
export async function sumOf<T>(
  node: TreeNode,
  find: (node: TreeNode) => T | undefined | Promise<T | undefined>,
  add: Add<T>,
): Promise<T> {
  const found = await find(node);
  if (found !== undefined) return found;
  const [left, right] = halvesOf(node);
  return add(await sumOf(left, find, add), await sumOf(right, find, add));
}

/** The sum of the whole tree out of sums of nodes that cover it. */
export function sumOfNodes<T>(
  numLeaves: number,
  nodes: readonly (readonly [TreeNode, T])[],
  add: Add<T>,
): Promise<T> {
  const known = new Map(nodes.map(([{ from, count }, sum]) => [`${from} ${count}`, sum]));
  return sumOf<T>({ from: 0, count: numLeaves }, ({ from, count }) => known.get(`${from} ${count}`), add);
}
