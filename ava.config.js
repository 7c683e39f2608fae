/** The files that take longest, the longest first: they begin first, so that none is left alone at the end. */
const LONGEST = [
  'commands/interruption',
  'commands/faults',
  'commands/executable',
  'commands/open-files',
  'docs/readme',
  'plugins/plugin-code',
  'commands/never-lose-work',
  'sampling/choosing',
  'commands/kept-results',
  'commands/cli',
  'commands/smoke',
  'golden-cpu',
];

const rank = (file) => {
  const path = file.replaceAll('\\', '/');
  const place = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
  return place < 0 ? LONGEST.length : place;
};

export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  nodeArguments: ['--conditions=calm-source', '--no-warnings'],
  workerThreads: false,
  concurrency: 2,
  timeout: '4m',
  sortTestFiles: (one, other) => rank(one) - rank(other) || one.localeCompare(other),
};
