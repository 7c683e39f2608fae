/** Sections as Markdown, with the plots in files beside it. */

import type { Block, ReportSection, ReportTable } from './blocks.ts';
import { toFence, toMarkdown } from './escape.ts';

/** Takes a plot. @returns the path by which the page shows it */
type Keep = (svg: string) => string;

/** Markdown and the files that it shows, by their names. @param folder of the plots, relative to the page */
export function markdownPage(
  title: string,
  sections: readonly ReportSection[],
  folder: string,
): { text: string; files: Map<string, string> } {
  const files = new Map<string, string>();
  const parts = sections.map((section) => {
    let number = 0;
    const keep: Keep = (svg) => {
      let name: string;
      do name = fileName(section.title, ++number);
      while (files.has(name));
      files.set(name, standing(svg));
      return `${encodeURIComponent(folder).replace(/[()]/g, (c) => (c === '(' ? '%28' : '%29'))}/${name}`;
    };
    return [`## ${toMarkdown(section.title)}`, ...section.blocks.map((block) => markdownBlock(block, keep))];
  });
  return { text: `${[`# ${toMarkdown(title)}`, ...parts.flat()].join('\n\n')}\n`, files };
}

function fileName(title: string, number: number): string {
  const words = title.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
  return `${words.replace(/^[-.]+|-+$/g, '') || 'plot'}-${number}.svg`;
}

/** In a file of its own a plot has no page to take its colours from. */
function standing(svg: string): string {
  return svg.replace(/^<svg /, '<svg style="color:#222;background:#fff" ');
}

function markdownBlock(block: Block, keep: Keep): string {
  switch (block.kind) {
    case 'heading':
      return `### ${toMarkdown(block.text)}`;
    case 'text':
      return block.text.replaceAll('<', '&lt;');
    case 'fact':
      return `*${toMarkdown(block.text)}*`;
    case 'notes':
      return block.items.map((item) => `- ${toMarkdown(item)}`).join('\n');
    case 'headline':
      return markdownTable({
        head: ['measure', 'value', ''],
        rows: block.items.map(({ name, value, beside }) => [name, value, beside]),
      });
    case 'table':
      return markdownTable(block.table);
    case 'tables':
      return block.tables
        .map(({ title, table }) => `*${toMarkdown(title)}*\n\n${markdownTable(table)}`)
        .join('\n\n');
    case 'figures':
      return block.figures
        .flatMap(({ title, svg, caption, table, beside }) => [
          `![${toMarkdown(title)}](${keep(svg)})`,
          ...(caption ? [`*${toMarkdown(caption)}*`] : []),
          ...(table ? [markdownTable(table)] : []),
          ...(beside ? [markdownTable(beside)] : []),
        ])
        .join('\n\n');
    case 'quote':
      return `*${toMarkdown(block.title)}*\n\n${toFence(block.text)}`;
  }
}

function markdownTable({ head, rows }: ReportTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(toMarkdown).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
