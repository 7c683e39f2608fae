/** What `calm init` finds out: the texts of a folder, the speed of this machine, and what fits both. */

export type { Speed } from './calibrate.ts';
export type { Holding } from './documents.ts';
export { type Prepared, prepare, unfitted, type Wishes } from './prepare.ts';
export { isSmallText, type Proposal, standardTokenizer, totalSeconds } from './propose.ts';
export {
  RECORDED_TEXT,
  REFERENCE,
  type RecordedRun,
} from './recipes.ts';
export { configText, corpusValue } from './starter.ts';
export {
  PACKAGED,
  placeIn,
  readTexts,
  type Survey,
  sourceAt,
  surveyFolder,
  type Texts,
  textsOf,
} from './texts.ts';
