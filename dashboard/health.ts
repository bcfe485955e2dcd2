import type { Column, DataSet, Overview, Row } from './answers';
import { button, el, save } from './dom';
import { table } from './table';
import { at, count, words } from './words';

const text = (name: string, description: string): Column => ({ name, type: 'text', description });
const number = (name: string, description: string): Column => ({ name, type: 'integer', unit: 'rows', description });

const COLUMNS: readonly Column[] = [
  text('dataset', 'Data set'),
  number('batches', 'What came: requests and files'),
  number('received', 'Rows that came'),
  number('kept', 'Rows that were taken'),
  number('duplicate', 'Rows that had come before'),
  number('rejected', 'Rows that were refused'),
  number('pending', 'Rows that are on their way'),
  text('balanced', 'Whether each row that came has its outcome'),
  number('removed_duplicates', 'Kept rows that were found twice, and taken out of the figures'),
  number('rows', 'Rows that the figures count'),
  { name: 'first_day', type: 'date', description: 'First day of the data' },
  { name: 'last_day', type: 'date', description: 'Last day of the data' },
];
const REASONS: readonly Column[] = [
  text('dataset', 'Data set'),
  text('reason', 'Why rows were refused'),
  number('rows', 'How many of them'),
];

const rejectedOf = ({ rejected }: DataSet) => Object.values(rejected).reduce((sum, rows) => sum + rows, 0);

/** What became of every row that came: the ledger, data set by data set. */
export function health({ built_at, datasets }: Overview): HTMLElement {
  const rows = datasets.map((dataset): Row => {
    const { rejected: _, balanced, ...others } = dataset;
    return { ...others, rejected: rejectedOf(dataset), balanced: balanced ? 'yes' : 'not yet' };
  });
  const reasons = datasets.flatMap(({ dataset, rejected }) =>
    Object.entries(rejected).map(([reason, refused]): Row => ({ dataset, reason: words(reason), rows: refused })),
  );
  const balanced = datasets.every((dataset) => dataset.balanced);
  const sum = (of: (dataset: DataSet) => number) => count(datasets.reduce((total, dataset) => total + of(dataset), 0));
  const summary =
    `${sum(({ received }) => received)} rows came: ${sum(({ kept }) => kept)} kept, ` +
    `${sum(({ duplicate }) => duplicate)} duplicates, ${sum(rejectedOf)} refused, ${sum(({ pending }) => pending)} on their way.`;
  const csv = button('Download CSV', () => save('data_health.csv', csvOf(COLUMNS, rows)), {
    'data-action': 'csv',
    'aria-label': 'Download CSV: Data health',
  });
  return el(
    'section',
    {
      class: 'panel wide',
      attributes: {
        id: 'panel-health',
        'aria-labelledby': 'title-health',
        'data-panel': 'health',
        'data-state': 'ready',
      },
    },
    el('h3', { attributes: { id: 'title-health' } }, 'What became of every row'),
    el('p', { class: 'question' }, 'Are the figures complete?'),
    el(
      'p',
      { attributes: { 'data-balanced': String(balanced) }, class: balanced ? 'good' : 'bad' },
      balanced
        ? 'The ledger balances: received = kept + duplicate + rejected.'
        : 'Not every row has its outcome yet: figures may lag behind.',
    ),
    el('p', { class: 'summary' }, summary),
    el(
      'p',
      { class: 'summary' },
      built_at === null ? 'Figures have not been built yet.' : `Figures were built ${at(built_at)}.`,
    ),
    table('Rows by data set', COLUMNS, rows),
    ...(reasons.length > 0 ? [table('Refused rows by reason', REASONS, reasons)] : []),
    el('div', { class: 'foot' }, csv),
  );
}

/** Texts are names of ours: none can pass for a formula, or has a quote in it. */
const csvOf = (columns: readonly Column[], rows: readonly Row[]) =>
  new Blob(
    [
      `${columns.map(({ name }) => name).join(',')}\n`,
      ...rows.map((row) => `${columns.map(({ name }) => row[name] ?? '').join(',')}\n`),
    ],
    { type: 'text/csv' },
  );
