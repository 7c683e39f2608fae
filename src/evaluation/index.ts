/** Evaluating models on held-out text. */

export { eachAtOnce } from '../each-at-once.ts';
export { commonLength } from '../elements.ts';
export { joinRows, type Pause, type Pausing } from './batches.ts';
export { type BrierInterval, bootstrapInterval, brierInterval } from './bootstrap.ts';
export * from './brier-exact.ts';
export * from './brier-lm.ts';
export { type BrierReport, brierReport, type UnigramReport, unigramReport } from './brier-report.ts';
export * from './brier-sampler.ts';
export * from './brier-score.ts';
export { type BrierScoring, scoreBrier } from './brier-scoring.ts';
export * from './completions-endpoint.ts';
export * from './cross-entropy.ts';
export * from './energy.ts';
export { heldOutPatches, heldOutSequences, noteFewer } from './held-out.ts';
export { KeptWindows, type ScoredWindow } from './kept-windows.ts';
export * from './poor-results.ts';
export * from './reconstruction.ts';
export { type ScoringOptions, scoreWindows } from './score-windows.ts';
export {
  answerIn,
  majorityOf,
  NORMALIZATIONS,
  type Normalization,
  normalized,
  passAtK,
} from './tasks/answers.ts';
export { type ScoredChoice, scoreChoices } from './tasks/choices.ts';
export {
  type ChoiceQuestion,
  type Question,
  type QuestionFile,
  readQuestions,
  type WrittenQuestion,
} from './tasks/questions.ts';
export * from './temperature.ts';
export { UnigramCounts } from './unigram.ts';
export { commonShare, WordCounts, type WordTally, wholeWords } from './words.ts';
