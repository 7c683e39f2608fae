/** Several processes as one: ranks that a launcher has started, and what they tell one another. */

export { type Facts, makeReady } from './agree.ts';
export { ALONE, type Cluster, type Part, type Spent } from './cluster.ts';
export { joinRanks } from './join.ts';
export type { MpiCluster } from './mpi/mpi-cluster.ts';
export { type Add, nodesOf, shareOf, sumOf, sumOfNodes, type TreeNode } from './tree.ts';
export { Watch } from './watch.ts';
