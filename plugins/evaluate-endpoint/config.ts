import { z } from 'zod';
import { count } from '../shared/count.ts';
import { protocolField, samplesField } from '../shared/evaluation-fields.ts';

export const config = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be an address that begins with http:// or https://' })
    .describe('Base address of a completions API, as in http://localhost:8000/v1.'),
  model: z.string().default('default').describe('Name of the model there.'),
  apiKeyVariable: z
    .string()
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
});
