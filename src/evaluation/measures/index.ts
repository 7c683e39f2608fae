/**
 * Measures by name, and the door for more of them. Loads no tensor library, so configurations can be checked
 * against it.
 */

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
export { allMeasures, directionOf, measureNames, registerMeasure } from './registry.ts';
export { BRIER_FACTORS, BRIER_LM, CROSS_ENTROPY, TOKEN_ACCURACY } from './values.ts';
