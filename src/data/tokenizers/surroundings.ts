/** What a tokenizer.json's post-processor puts around a text: [CLS] … [SEP], or Llama's <|begin_of_text|>. */

import type { PostProcessorJson } from './tokenizer.ts';

/** Token ids before and behind a text. */
export interface Surroundings {
  readonly beginning: readonly number[];
  readonly ending: readonly number[];
}

const NOTHING: Surroundings = { beginning: [], ending: [] };

/** @throws Error where the text does not stand once in what is made of it */
export function surroundingsOf(processor: PostProcessorJson | null | undefined): Surroundings {
  switch (processor?.type) {
    case 'TemplateProcessing':
      return ofTemplate(processor);
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { beginning: idOf(processor.cls), ending: idOf(processor.sep) };
    case 'Sequence':
      return ofSequence(processor);
    default:
      return NOTHING;
  }
}

/** Those of its one processor that adds tokens. */
function ofSequence({ processors = [] }: PostProcessorJson): Surroundings {
  const [found = NOTHING, ...more] = processors
    .map(surroundingsOf)
    .filter(({ beginning, ending }) => beginning.length + ending.length > 0);
  if (more.length > 0) throw new Error('several of its post-processors add tokens');
  return found;
}

function ofTemplate({ single = [], special_tokens: tokens = {} }: PostProcessorJson): Surroundings {
  const at = single.findIndex((piece) => 'Sequence' in piece);
  const last = single.findLastIndex((piece) => 'Sequence' in piece);
  if (at < 0 || at !== last) throw new Error('its post-processor does not hold a text once');
  const idsOf = (pieces: typeof single) =>
    pieces.flatMap((piece) => checked(tokens[piece.SpecialToken?.id ?? '']?.ids));
  return { beginning: idsOf(single.slice(0, at)), ending: idsOf(single.slice(at + 1)) };
}

function idOf(token: readonly [string, number] | undefined): number[] {
  return checked(token?.slice(1));
}

function checked(ids: readonly unknown[] | undefined): number[] {
  if (!Array.isArray(ids) || !ids.every((id) => Number.isInteger(id) && id >= 0))
    throw new Error('its post-processor has a token without ids');
  return ids;
}
