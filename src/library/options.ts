/** Options that a program gives: what is out of range is an error that names it. */

import { optionInvalid } from '../errors.ts';

const WHOLE = (least: number) => ({
  wanted: `a whole number, ${least} or more`,
  isGood: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least,
});

/** The temperature is checked where it is used. */
const RULES: Readonly<Record<string, { wanted: string; isGood: (value: unknown) => boolean }>> = {
  maxTokens: WHOLE(1),
  seed: WHOLE(0),
  index: WHOLE(0),
  numCandidates: WHOLE(2),
  drawBudget: WHOLE(2),
  candidates: WHOLE(0),
  maxPromptTokens: WHOLE(1),
  topK: WHOLE(1),
  topP: { wanted: 'a number in (0, 1]', isGood: (value) => Number(value) > 0 && Number(value) <= 1 },
  sampler: { wanted: '"batch" or "exact"', isGood: (value) => value === 'batch' || value === 'exact' },
  stop: { wanted: 'a list of texts, none of them empty', isGood: isListOfTexts },
  numSamples: WHOLE(2),
  patchesPerSequence: WHOLE(6),
};

export function checkOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const rule = RULES[name];
    if (value !== undefined && rule && !rule.isGood(value)) throw optionInvalid(name, value, rule.wanted);
  }
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string' && text !== '');
}
