import type { Block, HeadlineNumber, ReportTable } from '../../ui/facts.ts';

/** The parts of a report as elements. All that they say is text. */
export function Blocks({ blocks }: { readonly blocks: readonly Block[] }) {
  return (
    <>
      {blocks.map((block, i) => (
        <OneBlock key={i} block={block} />
      ))}
    </>
  );
}

function OneBlock({ block }: { readonly block: Block }) {
  switch (block.kind) {
    case 'heading':
      return <h2 class="part">{block.text}</h2>;
    case 'text':
      return <p>{block.text}</p>;
    case 'fact':
      return <p class="note">{block.text}</p>;
    case 'notes':
      return (
        <ul class="notes">
          {block.items.map((item) => (
            <li key={item}>{item}</li>
          ))}
        </ul>
      );
    case 'headline':
      return (
        <dl class="headline">
          {block.items.map((item) => (
            <Headline key={item.name} {...item} />
          ))}
        </dl>
      );
    case 'table':
      return <Table table={block.table} />;
    case 'tables':
      return (
        <div class="tables">
          {block.tables.map(({ title, table }) => (
            <div key={title}>
              <h3>{title}</h3>
              <Table table={table} />
            </div>
          ))}
        </div>
      );
    case 'quote':
      return (
        <figure class="quote">
          <figcaption>{block.title}</figcaption>
          <blockquote dir="auto">{block.text}</blockquote>
        </figure>
      );
    case 'figures':
      return null;
  }
}

function Headline({ name, value, beside }: HeadlineNumber) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="value">{value}</dd>
      {beside && <dd class="note">{beside}</dd>}
    </div>
  );
}

/** What a number begins with. Columns of numbers stand to the right, words to the left. */
const NUMBER = /^[-−]?[\d.]/;

export function Table({ table: { head, rows } }: { readonly table: ReportTable }) {
  if (rows.length === 0) return null;
  const classOf = (column: number) => (rows.some((row) => NUMBER.test(row[column] ?? '')) ? 'right' : '');
  return (
    <div class="scroll">
      <table class="report">
        <thead>
          <tr>
            {head.map((cell, i) => (
              <th scope="col" key={i} class={i === 0 ? '' : classOf(i)}>
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, column) =>
                column === 0 ? (
                  <th scope="row" key={column}>
                    {cell}
                  </th>
                ) : (
                  <td key={column} class={classOf(column)}>
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
