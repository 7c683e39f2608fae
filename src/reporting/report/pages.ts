/** Sections as a page: HTML that needs nothing else, or Markdown with its plots in files beside it. */

import type { ReportSection, ReportTable } from './report.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0;font-size:13px}th,td{padding:.3em .7em;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #888}figure{margin:1em 1em 1em 0;display:inline-block;vertical-align:top}
.facts{color:#666;font-size:13px}`;

export function htmlPage(title: string, sections: readonly ReportSection[]): string {
  const body = sections.map(htmlSection).join('\n');
  return `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${toHtml(title)}</title><style>${STYLE}</style></head>\n<body>\n<h1>${toHtml(title)}</h1>\n${body}\n</body>\n</html>\n`;
}

function htmlSection({ title, source, text, table, plots, provenance }: ReportSection): string {
  const paragraphs = text ? text.split(/\n\s*\n/).map((paragraph) => `<p>${toHtml(paragraph)}</p>`) : [];
  const figures = plots.map(
    ({ svg, correlation }) => `<figure>${svg}${correlation ? htmlTable(correlation) : ''}</figure>`,
  );
  return [
    `<h2>${toHtml(title)}</h2>`,
    source ? `<p class="facts">The paper: ${toHtml(source)}</p>` : '',
    ...paragraphs,
    htmlTable(table),
    ...figures,
    `<p class="facts">${toHtml(provenance)}</p>`,
  ].join('\n');
}

function htmlTable({ head, rows }: ReportTable): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${toHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}

function toHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Markdown and the files that it shows, by their names. @param folder of the plots, relative to the page */
export function markdownPage(
  title: string,
  sections: readonly ReportSection[],
  folder: string,
): { text: string; files: Map<string, string> } {
  const files = new Map<string, string>();
  const parts = sections.map((section) => markdownSection(section, folder, files));
  return { text: `# ${title}\n\n${parts.join('\n\n')}\n`, files };
}

function markdownSection(
  { title, source, text, table, plots, provenance }: ReportSection,
  folder: string,
  files: Map<string, string>,
): string {
  const figures = plots.map((plot, i) => {
    const name = `${title}-${i + 1}.svg`.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
    files.set(name, plot.svg);
    return [`![${plot.title}](${folder}/${name})`, plot.correlation ? markdownTable(plot.correlation) : '']
      .filter(Boolean)
      .join('\n\n');
  });
  return [
    `## ${title}`,
    source ? `The paper: ${source}.` : '',
    text,
    markdownTable(table),
    ...figures,
    `*${provenance}*`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

function markdownTable({ head, rows }: ReportTable): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
