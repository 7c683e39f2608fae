/** What a client may ask: OpenAI's fields of completions and of chats, and those that a CALM alone has. */

import { z } from 'zod';
import type { Prompt } from '../library/index.ts';

export interface RequestLimits {
  /** Tokens of one text, at most. */
  readonly maxTokens: number;
  /** Tokens of a prompt, at most. */
  readonly maxPromptTokens: number;
  /** Texts of one request, at most. */
  readonly maxTexts: number;
}

/** A request of either kind. */
export interface TextRequest {
  readonly model?: string | undefined;
  readonly prompts: readonly Prompt[];
  /** Texts of each prompt. */
  readonly n: number;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly stop: readonly string[];
  readonly seed?: number | undefined;
  readonly sampler?: 'batch' | 'exact' | undefined;
  readonly numCandidates?: number | undefined;
  readonly drawBudget?: number | undefined;
  /** Patches that were drawn most often, to be told with each patch; patches are not told where undefined. */
  readonly candidates?: number | undefined;
  readonly echoes: boolean;
  readonly streams: boolean;
  readonly includesUsage: boolean;
}

/** What OpenAI's completions write where `max_tokens` is absent. */
const DEFAULT_TOKENS = 16;

/** A field that other servers know, with the only values that mean nothing here. */
const refused = (allowed: readonly unknown[], why: string) =>
  z
    .unknown()
    .optional()
    .refine((value) => value == null || allowed.some((one) => Object.is(one, value)), { error: why });

const NO_LIKELIHOOD = 'a CALM has no probabilities of tokens; leave it out';
const NO_TOOLS = 'these models call no tools';

const stop = z.string().min(1);
const above0 = { error: 'must be above 0 and at most 1: what is likeliest is not known without samples' };

const sharedFields = ({ maxTokens }: RequestLimits) => ({
  model: z.string().optional(),
  n: z.int().positive().nullish(),
  max_tokens: z.int().positive().max(maxTokens).nullish(),
  temperature: z.number().gt(0, above0).max(1, { error: 'must be above 0 and at most 1' }).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().positive().nullish(),
  stop: z.union([stop, z.array(stop).max(16)]).nullish(),
  seed: z.int().nonnegative().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  user: z.string().optional(),
  sampler: z.enum(['batch', 'exact']).optional(),
  num_candidates: z.int().min(2).max(100_000).optional(),
  draw_budget: z.int().min(2).max(1_000_000).optional(),
  candidates: z.int().nonnegative().max(1000).optional(),
  logit_bias: z
    .record(z.string(), z.number())
    .nullish()
    .refine((bias) => !bias || Object.keys(bias).length === 0, { error: NO_LIKELIHOOD }),
  presence_penalty: refused([0], NO_LIKELIHOOD),
  frequency_penalty: refused([0], NO_LIKELIHOOD),
});

type Shared = z.output<z.ZodObject<ReturnType<typeof sharedFields>>>;

/** What both kinds have in common. */
function shared(given: Shared) {
  return {
    model: given.model,
    n: given.n ?? 1,
    temperature: given.temperature ?? 1,
    topP: given.top_p ?? undefined,
    topK: given.top_k ?? undefined,
    stop: given.stop == null ? [] : [given.stop].flat(),
    seed: given.seed ?? undefined,
    sampler: given.sampler,
    numCandidates: given.num_candidates,
    drawBudget: given.draw_budget,
    candidates: given.candidates,
    streams: given.stream ?? false,
    includesUsage: given.stream_options?.include_usage ?? false,
  };
}

/** Refuses more texts than are allowed. */
const limited = <Schema extends z.ZodType<TextRequest>>(schema: Schema, { maxTexts }: RequestLimits) =>
  schema.superRefine(({ prompts, n }, issue) => {
    if (prompts.length * n > maxTexts)
      issue.addIssue({ code: 'custom', path: ['n'], message: `at most ${maxTexts} texts a request` });
  });

const tokens = z.array(z.int().nonnegative()).min(1);

/** Of /v1/completions. */
export function completionRequest(limits: RequestLimits) {
  const fields = z.object({
    ...sharedFields(limits),
    prompt: z.union([z.string(), z.array(z.string()).min(1), tokens, z.array(tokens).min(1)]).default(''),
    echo: z.boolean().nullish(),
    logprobs: refused([false], NO_LIKELIHOOD),
    best_of: refused([1], 'texts cannot be ranked without probabilities; ask for n texts'),
    suffix: refused([''], 'text is only written behind a prompt'),
  });
  const request = fields.transform(
    (given): TextRequest => ({
      ...shared(given),
      prompts: promptsOf(given.prompt),
      maxTokens: given.max_tokens ?? Math.min(DEFAULT_TOKENS, limits.maxTokens),
      echoes: given.echo ?? false,
    }),
  );
  return limited(request, limits);
}

function promptsOf(prompt: string | readonly string[] | readonly number[] | readonly number[][]): Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  return typeof prompt[0] === 'number' ? [prompt as readonly number[]] : [...(prompt as readonly Prompt[])];
}

const part = z.object({ type: z.literal('text', { error: 'only text can be read' }), text: z.string() });
const message = z.object({
  role: z.string(),
  content: z.union([z.string(), z.array(part).transform((parts) => parts.map(({ text }) => text).join(''))]),
});

/** Of /v1/chat/completions. */
export function chatRequest(limits: RequestLimits) {
  const fields = z.object({
    ...sharedFields(limits),
    messages: z.array(message).min(1),
    max_completion_tokens: z.int().positive().max(limits.maxTokens).nullish(),
    logprobs: refused([false], NO_LIKELIHOOD),
    top_logprobs: refused([0], NO_LIKELIHOOD),
    tools: refused([], NO_TOOLS),
    functions: refused([], NO_TOOLS),
    response_format: z.object({ type: z.literal('text', { error: 'only text is written' }) }).nullish(),
  });
  const request = fields.transform(
    (given): TextRequest => ({
      ...shared(given),
      prompts: [given.messages],
      maxTokens: given.max_completion_tokens ?? given.max_tokens ?? limits.maxTokens,
      echoes: false,
    }),
  );
  return limited(request, limits);
}
