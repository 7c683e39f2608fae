import { jsonReport } from 'calm-lm/artifacts';
import type { BrierReport, UnigramReport } from 'calm-lm/evaluation';

/** All that `evaluate-endpoint` measures. */
export interface EndpointEvaluation {
  readonly brierlm?: BrierReport;
  readonly unigram?: UnigramReport;
}

/** The artifact kind that `evaluate-endpoint` makes: endpoint-evaluation.json. */
export const endpointEvaluation = jsonReport<EndpointEvaluation>('endpoint-evaluation');
