/** How a head is sampled from, as far as there is a choice. Loads no tensor library. */

import { headOption } from '../../../errors.ts';
import { optionsOf } from './choice.ts';
import { headEntry } from './registry.ts';

/** Options of a head's sampling, as they are given; which there are is the head's own matter. */
export type HeadSampling = Readonly<Record<string, unknown>>;

/** All of a head's options of sampling; those that it does not have are errors. @param head its name */
export function samplingOptions(head: string, given: HeadSampling = {}): HeadSampling {
  const result = optionsOf(headEntry(head), 'sampling', given);
  if (result.success) return result.options;
  throw headOption(head, result.path.map(String).join('.'), result.message);
}
