export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  nodeArguments: ['--conditions=calm-source', '--no-warnings'],
  workerThreads: false,
  concurrency: 2,
  timeout: '4m',
};
