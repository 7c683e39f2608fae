/** The two parts of a corpus: what is trained on and what is held out. */

export const SPLITS = ['train', 'validation'] as const;
export type Split = (typeof SPLITS)[number];

export type BySplit<T> = Readonly<Record<Split, T>>;

/** The same of each split, the training split first. */
export function bySplit<T>(make: (split: Split) => T): BySplit<T> {
  return { train: make('train'), validation: make('validation') };
}
