/**
 * Measures by name, and the door for more of them. Loads no tensor library, so configurations can be checked
 * against it.
 */

export { NORMALIZATIONS } from '../tasks/answers.ts';
export { LEAST_PATCHES, standardPatches } from './lengths.ts';
export type {
  AnyMeasure,
  CommonOptions,
  HeldOut,
  Measure,
  MeasureContext,
  MeasureReport,
  MeasureValue,
  Need,
  RunMeasure,
} from './measure.ts';
export { allMeasures, measureNames, registerMeasure } from './registry.ts';
export {
  BRIER_FACTORS,
  BRIER_LM,
  brierValues,
  CROSS_ENTROPY,
  labelsOf,
  RECONSTRUCTION,
  valuesBelow,
} from './values.ts';
