/** Sections as an HTML page that needs nothing else: no script, no network. */

import type {
  Block,
  HeadlineNumber,
  ReportFigure,
  ReportSection,
  ReportTable,
  TitledTable,
} from './blocks.ts';
import { toHtml } from './escape.ts';
import { STYLE } from './style.ts';

export function htmlPage(title: string, sections: readonly ReportSection[]): string {
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${toHtml(title)}</title>`,
    `<style>${STYLE}</style>`,
  ].join('\n');
  const body = [contentsOf(sections), ...sections.map(htmlSection)].filter(Boolean).join('\n');
  return (
    `<!doctype html>\n<html ` +
    `lang="en">\n<head>\n${head}\n</head>\n<body>\n<h1>${toHtml(title)}</h1>\n${body}\n</body>\n</html>\n`
  );
}

/** Where several runs are on the page, the way to each. */
function contentsOf(sections: readonly ReportSection[]): string {
  if (sections.length < 2) return '';
  const links = sections.map(({ title }, i) => `<li><a href="#part-${i + 1}">${toHtml(title)}</a></li>`);
  return `<nav aria-label="Contents"><ul>${links.join('')}</ul></nav>`;
}

function htmlSection({ title, blocks, details }: ReportSection, index: number): string {
  const folded = details.length
    ? `<details><summary>Everything else of this run</summary>\n${htmlBlocks(details)}\n</details>`
    : '';
  return `<section id="part-${index + 1}">\n<h2>${toHtml(title)}</h2>\n${htmlBlocks(blocks)}\n${folded}</section>`;
}

const htmlBlocks = (blocks: readonly Block[]) => blocks.map(htmlBlock).join('\n');

function htmlBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h3>${toHtml(block.text)}</h3>`;
    case 'text':
      return block.text
        .split(/\n\s*\n/)
        .map((paragraph) => `<p>${toHtml(paragraph)}</p>`)
        .join('\n');
    case 'fact':
      return `<p class="fact">${toHtml(block.text)}</p>`;
    case 'notes':
      return `<ul class="notes">${block.items.map((item) => `<li>${toHtml(item)}</li>`).join('')}</ul>`;
    case 'headline':
      return `<dl class="headline">${block.items.map(htmlNumber).join('')}</dl>`;
    case 'table':
      return htmlTable(block.table);
    case 'tables':
      return `<div class="tables">${block.tables.map(htmlTitled).join('\n')}</div>`;
    case 'figures':
      return `<div class="figures">${block.figures.map(htmlFigure).join('\n')}</div>`;
    case 'quote':
      return `<p class="fact">${toHtml(block.title)}</p>\n<pre dir="auto">${toHtml(block.text)}</pre>`;
  }
}

function htmlNumber({ name, value, beside }: HeadlineNumber): string {
  const more = beside ? `<dd class="beside">${toHtml(beside)}</dd>` : '';
  return `<div><dt>${toHtml(name)}</dt><dd class="value">${toHtml(value)}</dd>${more}</div>`;
}

function htmlFigure({ svg, caption, table, beside }: ReportFigure): string {
  const words = caption ? `<figcaption>${toHtml(caption)}</figcaption>` : '';
  const figure = `<figure>${svg}${words}${table ? htmlTable(table) : ''}</figure>`;
  return beside ? `${figure}\n${htmlTable(beside)}` : figure;
}

function htmlTitled({ title, table }: TitledTable): string {
  return `<div><p class="fact">${toHtml(title)}</p>\n${htmlTable(table)}</div>`;
}

function htmlTable({ head, rows }: ReportTable): string {
  if (rows.length === 0) return '';
  const areWords = head.map((_, column) => rows.every((row) => !NUMBER.test(row[column] ?? '')));
  const classOf = (column: number) => (areWords[column] ? ' class="words"' : '');
  const heads = head.map((cell, i) => `<th scope="col"${classOf(i)}>${toHtml(cell)}</th>`).join('');
  const lines = rows.map((row) => `<tr>${row.map((cell, i) => htmlCell(cell, classOf(i))).join('')}</tr>`);
  return (
    `<div class="scroll" tabindex="0"><table><thead><tr>${heads}</tr></thead>` +
    `<tbody>\n${lines.join('\n')}\n</tbody></table></div>`
  );
}

/** What a number begins with. Columns of numbers stand to the right, words to the left. */
const NUMBER = /^[-−]?[\d.]/;
/** Longer words are broken into lines, and longer lists of numbers where there is little room. */
const [LONG_WORDS, LONG_NUMBERS] = [40, 20];

function htmlCell(cell: string, column: string): string {
  const isNumber = NUMBER.test(cell);
  const isLong = cell.length > (isNumber ? LONG_NUMBERS : LONG_WORDS);
  return `<td${isLong ? ` class="${isNumber ? 'numbers' : 'long'}"` : column}>${toHtml(cell)}</td>`;
}
