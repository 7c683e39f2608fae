/** What a run has to show without figures, for a page that draws its own. */

import type { Run } from '../../runs/index.ts';
import { type Block, titledBlocks } from './blocks.ts';
import { configurationBlocks } from './sections/configuration.ts';
import { costBlocks } from './sections/cost.ts';
import { drawnTables } from './sections/drawn.ts';
import { headlineBlocks } from './sections/headline.ts';
import { provenanceBlocks, stateNotes } from './sections/provenance.ts';
import { resultBlocks } from './sections/results.ts';
import { sampleBlocks } from './sections/samples.ts';
import { variantsOf } from './variants.ts';

/** What to see first, and everything else. A run that has finished nothing says so. */
export function plainBlocks(run: Run): { blocks: Block[]; details: Block[] } {
  const variants = variantsOf(run);
  const notes = stateNotes(run);
  return {
    blocks: [
      ...(notes.length ? [{ kind: 'notes', items: notes } as const] : []),
      ...headlineBlocks(variants),
      ...titledBlocks('Measures in parts', drawnTables(variants)),
      ...sampleBlocks(variants),
    ],
    details: [
      ...resultBlocks(variants),
      ...costBlocks(variants),
      ...configurationBlocks(variants),
      ...provenanceBlocks(variants),
    ],
  };
}
