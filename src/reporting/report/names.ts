/** What values are called on a page: the measure, not the path to it. */

const NAMES: Readonly<Record<string, string>> = {
  brierLM: 'BrierLM',
  brier: 'Brier-1 … 4',
  validationBrierLM: 'BrierLM, held-out text',
  validationLoss: 'loss, held-out text',
  tokenAccuracy: 'reconstruction accuracy',
  patchAccuracy: 'reconstruction accuracy, whole patches',
  sampledTokenAccuracy: 'reconstruction accuracy, sampled latent',
  trainingFlops: 'training FLOPs',
  trainingFlopsPerToken: 'training FLOPs a token',
  inferenceFlopsPerToken: 'inference FLOPs a token',
  parameters: 'parameters',
  contextFreeLoss: 'energy loss, context-free',
  tokensPerSecond: 'tokens/s',
  meanStd: 'mean σ',
  sigma: 'σ',
  crossEntropy: 'cross-entropy, nats a token',
  gradNorm: 'gradient norm',
  kl: 'KL, nats a patch',
  secondsToFirstToken: 'seconds to the first token',
  bitsPerByte: 'bits a byte',
};

/** Parts of a path that say nothing besides the measure's own name. */
const SILENT = new Set(['brierlm', 'reconstruction', 'energy', 'perplexity']);

/** `evaluate.brierlm.brierLM` as BrierLM; names that are not in the table by their last part, in words. */
export function titleOf(name: string | readonly string[]): string {
  const parts = (typeof name === 'string' ? name : name[0]).split('.');
  const last = parts[parts.length - 1];
  if (last === 'loss' && parts.includes('energy')) return 'energy loss';
  return Object.hasOwn(NAMES, last) ? NAMES[last] : inWords(last);
}

/** The name of a result by its path in a stage's results: `untrained.brierLM` as BrierLM (untrained). */
export function measureName(path: readonly string[]): string {
  const around = path.slice(0, -1).filter((part) => !SILENT.has(part));
  return `${titleOf(path.join('.'))}${around.length ? ` (${around.map(inWords).join(', ')})` : ''}`;
}

/** A column's name; an interval is named after what it is of. */
export function headingOf(column: string): string {
  return column.split('.').includes('interval') ? `${titleOf(column)}, 95 %` : titleOf(column);
}

/** numWindows → windows, learningRate → learning rate. */
export function inWords(name: string): string {
  return name
    .replace(/^num(?=[A-Z])/, '')
    .replace(
      /([a-z0-9])([A-Z])(?![A-Z])/g,
      (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
    )
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}
