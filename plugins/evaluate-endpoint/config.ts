import { endpointProblem } from 'calm-lm/errors';
import { z } from 'zod';
import { protocolField, samplesField } from '../fields/brier.ts';
import { count } from '../fields/count.ts';

const DAY_SECONDS = 86_400;

export const config = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
    .superRefine((address, issue) => {
      const message = endpointProblem(address);
      if (message) issue.addIssue({ code: 'custom', message });
    })
    .describe('Base address of a completions API, as in http://localhost:8000/v1; without a key in it.'),
  model: z.string().default('default').describe('Name of the model there.'),
  apiKeyVariable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'must be the name of an environment variable, and not the key itself')
    .default('OPENAI_API_KEY')
    .describe('Environment variable that holds the key, where one is needed.'),
  measures: z
    .array(z.enum(['brierlm', 'unigram']))
    .nonempty()
    .default(['brierlm', 'unigram'])
    .describe('brierlm: of the model there. unigram: of a unigram sampler.'),
  protocol: protocolField,
  numSamples: samplesField,
  numWindows: count(500).describe('Windows, spread evenly over the held-out documents.'),
  contextTokens: count(256).describe(
    'Tokens of the run’s tokenizer that the model is given before each window.',
  ),
  maxTokens: count(16).describe(
    'Tokens that the model is asked for; four of the run’s tokenizer must fit in.',
  ),
  concurrency: z.int().min(1).max(64).default(4).describe('Windows that are asked for at once.'),
  retries: z
    .int()
    .min(0)
    .max(100)
    .default(4)
    .describe(
      'How often a request is tried again when the connection breaks or the server is busy or failing.',
    ),
  timeoutSeconds: z
    .number()
    .positive()
    .max(DAY_SECONDS)
    .default(120)
    .describe('How long one request may take before it is tried again.'),
  maxRetryAfterSeconds: z
    .number()
    .nonnegative()
    .max(DAY_SECONDS)
    .default(60)
    .describe('The longest wait that a server may ask for (Retry-After); a longer one ends the evaluation.'),
});

/** Fields that decide how the server is asked, and not what comes of it. */
export const OPERATIONAL_FIELDS = [
  'apiKeyVariable',
  'concurrency',
  'retries',
  'timeoutSeconds',
  'maxRetryAfterSeconds',
] as const satisfies readonly (keyof typeof config.shape)[];

/** What a command can be told; the rest is for configurations. */
export const ASKED_FIELDS = [
  'endpoint',
  'model',
  'protocol',
  'numSamples',
  'contextTokens',
  'numWindows',
  'concurrency',
  'maxRetryAfterSeconds',
] as const satisfies readonly (keyof typeof config.shape)[];
