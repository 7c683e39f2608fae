/** Sections as an HTML page that needs nothing else: no script, no network. */

import type { Block, HeadlineNumber, ReportFigure, ReportSection, ReportTable } from './blocks.ts';
import { toHtml } from './escape.ts';
import { STYLE } from './style.ts';

export function htmlPage(title: string, sections: readonly ReportSection[]): string {
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${toHtml(title)}</title>`,
    `<style>${STYLE}</style>`,
  ].join('\n');
  const body = sections.map(htmlSection).join('\n');
  return (
    `<!doctype html>\n<html ` +
    `lang="en">\n<head>\n${head}\n</head>\n<body>\n<h1>${toHtml(title)}</h1>\n${body}\n</body>\n</html>\n`
  );
}

function htmlSection({ title, blocks, details }: ReportSection): string {
  const folded = details.length
    ? `<details><summary>Everything else of this run</summary>\n${htmlBlocks(details)}\n</details>`
    : '';
  return `<section>\n<h2>${toHtml(title)}</h2>\n${htmlBlocks(blocks)}\n${folded}</section>`;
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

function htmlFigure({ svg, caption, table }: ReportFigure): string {
  const words = caption ? `<figcaption>${toHtml(caption)}</figcaption>` : '';
  return `<figure>${svg}${words}${table ? htmlTable(table) : ''}</figure>`;
}

function htmlTable({ head, rows }: ReportTable): string {
  if (rows.length === 0) return '';
  const heads = head.map((cell) => `<th scope="col">${toHtml(cell)}</th>`).join('');
  const lines = rows.map((row) => `<tr>${row.map(htmlCell).join('')}</tr>`).join('\n');
  return (
    `<div class="scroll" ` +
    `tabindex="0"><table><thead><tr>${heads}</tr></thead><tbody>\n${lines}\n</tbody></table></div>`
  );
}

/** Long words stand to the left, numbers to the right. */
function htmlCell(cell: string): string {
  return `<td${/^[^\d]{12}|^.{60}/u.test(cell) ? ' class="words"' : ''}>${toHtml(cell)}</td>`;
}
