/** What a measured value is called, which way it is better, and how pages show it. */

export interface ValueLabel {
  readonly label: string;
  /** Absent where neither way is: such a value can't be the best of anything. */
  readonly better?: 'higher' | 'lower';
  /** Whether it stands for the run: in a list of runs, and first on its page. */
  readonly isHeadline?: boolean;
  /** What it is compared with, the most telling first. */
  readonly references?: readonly ValueReference[];
  /** In a list of results: whether it is what each was measured at, such as a temperature. */
  readonly isSetting?: boolean;
  /** Whether it is a share of 1, shown in percent. */
  readonly isShare?: boolean;
  /** Whether it is drawn over the steps of metrics.jsonl. */
  readonly isCurve?: boolean;
  /** How it is drawn where it is a list. */
  readonly drawn?: DrawnList;
  /** Where it is a list of texts, `{ text, end? }`: the fields of the stage that are told with them. */
  readonly texts?: { readonly settings: readonly string[] };
}

/** What a value is compared with, in the direction that is `better`. */
export interface ValueReference {
  /** What people read: `unigram`. */
  readonly label: string;
  /** A number, or the path of a value in the same results. */
  readonly value: number | string;
  /** What to do where the value is not better. */
  readonly advice?: string;
}

export interface DrawnList {
  readonly title: string;
  readonly kind: 'bar' | 'line';
  /** Keys of the list's entries; where it is one of numbers, what the axes are called. */
  readonly x: string;
  readonly y: string;
  /** Of a list of numbers: what each is. */
  readonly parts?: readonly string[];
  /** Of several lists with one title, which are drawn side by side: whose it is. */
  readonly of?: string;
}

/** Labels by the names or paths of their values. */
export type ValueLabels = Readonly<Record<string, ValueLabel>>;
