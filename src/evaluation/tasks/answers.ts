/** What a model wrote, compared with what is right: exact match, the majority, pass@k. */

export const NORMALIZATIONS = ['text', 'number', 'none'] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

/**
 * The answer in a text: the first group of a pattern's first match, or the match; all of the text without a
 * pattern. Undefined where the pattern is nowhere.
 */
export function answerIn(text: string, pattern: string | undefined): string | undefined {
  if (pattern === undefined) return text;
  const found = new RegExp(pattern, 'u').exec(text);
  return found ? (found[1] ?? found[0]) : undefined;
}

/**
 * An answer as it is compared. text: without case, with single spaces, without quotes around it and without a
 * mark at its end. number: without separators of thousands, signs of currency and zeros that say nothing; what
 * is no number stays a text.
 */
export function normalized(answer: string, how: Normalization): string {
  if (how === 'none') return answer;
  const text = answer
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[.!?,;:]+$/, '')
    .replace(/^(["'`])(.*)\1$/, '$2');
  if (how === 'text') return text;
  const number = Number(text.replace(/[,$€£%\s]/g, ''));
  return text === '' || Number.isNaN(number) ? text : String(number);
}

/** The commonest of some answers, the first of several; undefined where there is none. */
export function majorityOf(answers: readonly (string | undefined)[]): string | undefined {
  const counts = new Map<string, number>();
  for (const answer of answers) if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  let most: string | undefined;
  for (const [answer, count] of counts)
    if (most === undefined || count > (counts.get(most) ?? 0)) most = answer;
  return most;
}

/**
 * How probable it is that one of k samples is right, without bias from n of which c are (Chen et al. 2021):
 * 1 − C(n−c, k)/C(n, k).
 */
export function passAtK(numSamples: number, numRight: number, k: number): number {
  if (numSamples - numRight < k) return 1;
  let allWrong = 1;
  for (let i = numSamples - numRight + 1; i <= numSamples; i++) allWrong *= 1 - k / i;
  return 1 - allWrong;
}
