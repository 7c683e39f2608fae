/** What a page is made of, whatever it is written as. */

export interface ReportTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ReportFigure {
  readonly title: string;
  readonly svg: string;
  /** What has to be said of it; may be empty. */
  readonly caption: string;
  /** Below it. */
  readonly table?: ReportTable | undefined;
  /** The same values, to the right where there is room. */
  readonly beside?: ReportTable;
}

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  /** Paragraphs of the author's, in Markdown. */
  | { readonly kind: 'text'; readonly text: string }
  /** One line beside the matter. */
  | { readonly kind: 'fact'; readonly text: string }
  /** What the reader must not miss. */
  | { readonly kind: 'notes'; readonly items: readonly string[] }
  | { readonly kind: 'headline'; readonly items: readonly HeadlineNumber[] }
  | { readonly kind: 'table'; readonly table: ReportTable }
  /** Several, each under its title: side by side where there is room. */
  | { readonly kind: 'tables'; readonly tables: readonly TitledTable[] }
  | { readonly kind: 'figures'; readonly figures: readonly ReportFigure[] }
  | { readonly kind: 'quote'; readonly title: string; readonly text: string };

export interface TitledTable {
  readonly title: string;
  readonly table: ReportTable;
}

export interface HeadlineNumber {
  readonly name: string;
  readonly value: string;
  /** Its interval, or what it is measured against. */
  readonly beside: string;
}

/** One run or sweep on the page. */
export interface ReportSection {
  readonly title: string;
  readonly blocks: readonly Block[];
  /** What the configuration did not ask for: folded away in HTML, left out of Markdown. */
  readonly details: readonly Block[];
}

export const heading = (text: string): Block => ({ kind: 'heading', text });

/** A table under its heading; nothing where it is empty. */
export function tableBlocks(title: string, table: ReportTable): Block[] {
  return table.rows.length ? [heading(title), { kind: 'table', table }] : [];
}

/** Tables with rows under one heading; nothing where there are none. */
export function titledBlocks(title: string, tables: readonly TitledTable[]): Block[] {
  const filled = tables.filter(({ table }) => table.rows.length > 0);
  return filled.length ? [heading(title), { kind: 'tables', tables: filled }] : [];
}

/** Figures under their heading; nothing where there are none. */
export function figureBlocks(title: string, figures: readonly ReportFigure[]): Block[] {
  return figures.length ? [heading(title), { kind: 'figures', figures }] : [];
}
