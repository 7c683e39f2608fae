/** The key `optimizer` of a training stage, and what became of the keys that it replaces. */

import {
  DEFAULT_OPTIMIZER,
  type OptimizerChoice,
  type OptimizerResult,
  optimizerSchemas,
  readOptimizer,
} from 'calm-lm/training/optimizers';
import { z } from 'zod';

/**
 * A name, or a name with options; what comes of it has all options. Its JSON Schema lists the optimisers of
 * the moment.
 */
export const optimizerField = z
  .unknown()
  .transform((given, issue) => {
    const result = readOptimizer(given);
    return result instanceof Promise
      ? result.then((settled) => chosen(settled, issue))
      : chosen(result, issue);
  })
  .prefault(DEFAULT_OPTIMIZER)
  .meta({
    description: 'The optimiser: a name, or a name with options; without a name, options of AdamW.',
    get anyOf() {
      return optimizerSchemas();
    },
  });

function chosen({ issues, ...result }: OptimizerResult, issue: z.RefinementCtx): OptimizerChoice {
  if (!issues) return (result as { value: OptimizerChoice }).value;
  for (const { message, path } of issues) issue.addIssue({ code: 'custom', message, path: [...path] });
  return z.NEVER;
}

/** A key that has moved into the optimiser: an error that says how it is written now. */
const moved = (key: string) =>
  z
    .never({ error: ({ input }) => `is an option of the optimiser: ${asOption(key, input)}` })
    .optional()
    .meta({ description: `Moved: optimizer: { ${key}: … }.`, deprecated: true });

function asOption(key: string, value: unknown): string {
  const isPlain = value === null || typeof value !== 'object';
  return `write \`optimizer: { ${key}: ${isPlain ? String(value) : '…'} }\``;
}

export const movedToOptimizer = {
  beta1: moved('beta1'),
  beta2: moved('beta2'),
  epsilon: moved('epsilon'),
  weightDecay: moved('weightDecay'),
};
