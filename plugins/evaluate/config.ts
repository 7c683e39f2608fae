import { allMeasures, LEAST_PATCHES, measureNames } from 'calm-lm/evaluation/measures';
import { z } from 'zod';
import { count } from '../fields/count.ts';
import { headSamplingField, movedToHeadSampling } from '../fields/head-sampling.ts';
import { withMoved } from '../fields/moved.ts';
import './table.ts';

const commonFields = {
  headSampling: headSamplingField,
  numSequences: count(32).describe('Held-out sequences, spread evenly over the validation split.'),
  patchesPerSequence: z
    .int()
    .min(LEAST_PATCHES)
    .optional()
    .describe(
      'Patches a sequence, the first of them context only; 64 of a CALM and 256 single tokens of a ' +
        'Transformer where absent.',
    ),
  tokensPerSequence: z
    .int()
    .min(LEAST_PATCHES)
    .optional()
    .describe('Tokens a sequence, instead of patchesPerSequence: the same text for models of any K.'),
  sequencesPerBatch: count(8).describe('Sequences evaluated at once.'),
};
const common = z.object(commonFields);

/** The fields of the stage, and the options of all measures. */
export type Config = z.infer<typeof common> & {
  readonly measures?: readonly string[] | undefined;
} & Readonly<Record<string, unknown>>;

/** Measures may be registered after this module is loaded, so the schema is made when it is asked for. */
export const config = {
  '~standard': {
    version: 1,
    vendor: 'calm-lm',
    validate: (value: unknown) => currentSchema()['~standard'].validate(value),
    jsonSchema: {
      input: (...given: Parameters<Converter>) => currentSchema()['~standard'].jsonSchema.input(...given),
      output: (...given: Parameters<Converter>) => currentSchema()['~standard'].jsonSchema.output(...given),
    },
  },
} as unknown as z.ZodType<Config>;

type Converter = ReturnType<typeof currentSchema>['~standard']['jsonSchema']['input'];

function currentSchema() {
  const options: z.ZodRawShape = Object.assign({}, ...allMeasures().map((measure) => measure.options));
  const fields = { measures: measuresField(), ...options, ...commonFields };
  return withMoved(
    z.strictObject(fields).superRefine(checkLengths).superRefine(checkTasks),
    movedToHeadSampling,
  );
}

function measuresField() {
  const told = allMeasures().map(({ name, summary }) => `${name}: ${summary}`);
  const standard = allMeasures().flatMap(({ name, isStandard }) => (isStandard ? [name] : []));
  return z
    .array(z.enum(measureNames()))
    .nonempty()
    .optional()
    .describe(`${told.join(' ')} Where absent: ${standard.join(', ')}, as far as the model allows them.`);
}

/** Windows of four tokens begin behind the context. */
const WINDOW = 4;

/** Tasks that no measure asks would be forgotten. */
function checkTasks(given: unknown, issue: z.RefinementCtx): void {
  const { tasks, measures } = given as Pick<Config, 'measures'> & { readonly tasks?: unknown };
  if (tasks === undefined || measures === undefined || measures.includes('tasks')) return;
  const message = 'is of the measure `tasks`, which `measures` does not name';
  issue.addIssue({ code: 'custom', message, path: ['tasks'] });
}

interface Lengths {
  readonly tokensPerSequence?: number | undefined;
  readonly patchesPerSequence?: number | undefined;
  readonly contextTokens?: number | undefined;
}

/** A length is said once, and at least one window fits behind the context. */
function checkLengths(given: unknown, issue: z.RefinementCtx): void {
  const { tokensPerSequence, patchesPerSequence, contextTokens = 1 } = given as Lengths;
  if (tokensPerSequence !== undefined && patchesPerSequence !== undefined)
    issue.addIssue({
      code: 'custom',
      message: 'must be absent where patchesPerSequence says the length',
      path: ['tokensPerSequence'],
    });
  const length = tokensPerSequence ?? patchesPerSequence;
  if (length === undefined || contextTokens + WINDOW <= length) return;
  const message =
    `must be at most ${length - WINDOW}: a sequence of ${length} tokens has a window of ` +
    `${WINDOW} behind it`;
  issue.addIssue({ code: 'custom', message, path: ['contextTokens'] });
}
