import { defineEngine, packageVersion } from '../entry.ts';

const packageName = '@tensorflow/tfjs-backend-cpu';

/** TensorFlow.js in plain JavaScript: slow, for checks. */
export const cpu = defineEngine({
  name: 'cpu',
  packageName,
  howToGet: 'npm ci',
  version: () => packageVersion(packageName),
  load: async () => ({ backend: await (await import('./load.ts')).loadCpu() }),
});
