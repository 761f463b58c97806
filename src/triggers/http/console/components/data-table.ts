import { type Html, html, join } from '../../../../lib/html.ts';

export type TableColumn<Row> = {
  heading: string;
  cell(row: Row): Html | string | number;
  /** Right-aligned figures, or the row's buttons. */
  kind?: 'number' | 'actions';
};

export type TableOptions<Row> = {
  /** Names the table for people who hear it. */
  caption: string;
  /** The first column names the row. */
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  /** The id of the row in the page, so that it is found again when rows move. */
  idOf(row: Row): string;
  /** Columns of the same width in every such table, for tables below each other. */
  isEven?: boolean;
};

/** A table; on a phone each row is a card, with the heading before each value. */
export function dataTable<Row>({ caption, columns, idOf, isEven = false, rows }: TableOptions<Row>): Html {
  // A column of buttons needs no heading: each button says what it does.
  const heads = columns.map(({ heading, kind }) =>
    heading === '' ? html`<td${kindOf(kind)}></td>` : html`<th scope="col"${kindOf(kind)}>${heading}</th>`,
  );
  const lines = rows.map((row) => {
    const cells = columns.map(({ cell, heading, kind }, i) =>
      i === 0
        ? html`<th scope="row">${cell(row)}</th>`
        : html`<td${kindOf(kind)} data-label="${heading}">${cell(row)}</td>`,
    );
    return html`<tr id="${idOf(row)}">${join(cells, '')}</tr>`;
  });
  return html`<table class="cards${isEven ? ' even' : ''}"><caption class="hidden">${caption}</caption><thead><tr>${join(heads, '')}</tr></thead><tbody>${join(lines, '')}</tbody></table>`;
}

const kindOf = (kind: 'number' | 'actions' | undefined): Html | string => (kind ? html` class="${kind}"` : '');
