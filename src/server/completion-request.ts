/** What a client may ask of /v1/completions: OpenAI's fields, and those that a CALM alone has. */

import { z } from 'zod';

export interface RequestLimits {
  /** Tokens of one text, at most. */
  readonly maxTokens: number;
  /** Texts of one request, at most. */
  readonly maxTexts: number;
}

const tokens = z.array(z.int().nonnegative()).min(1);
const stop = z.string().min(1);

/** Fields that other servers know, with the only values that mean nothing here. */
const refused = (allowed: readonly unknown[], why: string) =>
  z
    .unknown()
    .optional()
    .refine((value) => value == null || allowed.includes(value), { error: why });

const NO_LIKELIHOOD = 'a CALM has no probabilities of tokens; leave it out';

export const completionRequest = ({ maxTokens, maxTexts }: RequestLimits) =>
  z
    .object({
      model: z.string().optional(),
      prompt: z.union([z.string(), z.array(z.string()).min(1), tokens, z.array(tokens).min(1)]).default(''),
      n: z.int().positive().default(1),
      max_tokens: z.int().positive().max(maxTokens).nullish(),
      temperature: z
        .number()
        .gt(0, { error: 'must be above 0 and at most 1: what is likeliest is not known without samples' })
        .max(1, { error: 'must be above 0 and at most 1' })
        .nullish(),
      top_p: z.number().gt(0).max(1).nullish(),
      top_k: z.int().positive().nullish(),
      stop: z.union([stop, z.array(stop).max(16)]).nullish(),
      seed: z.int().nonnegative().nullish(),
      stream: z.boolean().nullish(),
      stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
      echo: z.boolean().nullish(),
      user: z.string().optional(),
      sampler: z.enum(['batch', 'exact']).optional(),
      num_candidates: z.int().positive().max(100_000).optional(),
      draw_budget: z.int().positive().max(1_000_000).optional(),
      logprobs: refused([false], NO_LIKELIHOOD),
      logit_bias: z
        .record(z.string(), z.number())
        .nullish()
        .refine((bias) => !bias || Object.keys(bias).length === 0, { error: NO_LIKELIHOOD }),
      best_of: refused([1], 'texts cannot be ranked without probabilities; ask for n texts'),
      suffix: refused([''], 'text is only written behind a prompt'),
      presence_penalty: refused([0], NO_LIKELIHOOD),
      frequency_penalty: refused([0], NO_LIKELIHOOD),
    })
    .superRefine(({ prompt, n }, issue) => {
      if (promptsOf(prompt).length * n > maxTexts)
        issue.addIssue({ code: 'custom', path: ['n'], message: `at most ${maxTexts} texts a request` });
    });

export type CompletionRequest = z.output<ReturnType<typeof completionRequest>>;

/** A text, or the ids of its tokens. */
export type Prompt = string | readonly number[];

export function promptsOf(prompt: CompletionRequest['prompt']): readonly Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as string[] | number[][]);
}
