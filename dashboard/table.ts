import type { Column, Row } from './answers';
import { el } from './dom';
import { inWords, words } from './words';

/** How a column is set: numbers below each other by their ends, dates on one line. */
const classOf = (column: Column) =>
  isNumber(column) ? { class: 'number' } : column.type === 'date' ? { class: 'date' } : {};
const isNumber = ({ type }: Column) => type === 'integer' || type === 'decimal' || type === 'number';

/** Rows as a table that scrolls by itself. Each cell keeps what the API said in data-value. */
export function table(caption: string, columns: readonly Column[], rows: readonly Row[]): HTMLElement {
  const head = columns.map((column) =>
    el(
      'th',
      {
        ...classOf(column),
        attributes: { scope: 'col', title: column.description, 'data-column': column.name },
      },
      words(column.name),
    ),
  );
  const body = rows.map((row) =>
    el(
      'tr',
      {},
      ...columns.map((column, index) => {
        const value = row[column.name] ?? null;
        const attributes = {
          'data-column': column.name,
          ...(value !== null && { 'data-value': String(value) }),
          ...(index === 0 && { scope: 'row' }),
        };
        return el(index === 0 ? 'th' : 'td', { attributes, ...classOf(column) }, inWords(column, value));
      }),
    ),
  );
  // What scrolls has to be reached by the keyboard.
  return el(
    'div',
    { class: 'scroll', attributes: { tabindex: '0', role: 'group', 'aria-label': caption } },
    el('table', {}, el('caption', {}, caption), el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...body)),
  );
}
