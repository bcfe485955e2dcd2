import type { Row } from './answers';
import { el } from './dom';
import { count, inWords, share } from './words';

const COHORT = { name: 'cohort', type: 'date' } as const;

/** Retention as a triangle: a row for each month of first orders, a column for each month behind it. Shades go with numbers. */
export function triangle(rows: readonly Row[]): HTMLElement {
  const cohorts = new Map<string, Row[]>();
  for (const row of rows) cohorts.set(String(row.cohort), [...(cohorts.get(String(row.cohort)) ?? []), row]);
  const last = Math.max(0, ...rows.map((row) => Number(row.months)));
  const months = Array.from({ length: last + 1 }, (_, month) => month);
  const caption =
    'Customers by the month of their first order, and the part of them that ordered again so many months later';
  const body = [...cohorts].map(([cohort, its]) => {
    const cells = months.map((month) => {
      const row = its.find((one) => Number(one.months) === month);
      if (row === undefined) return el('td', {}, '');
      const cell = el(
        'td',
        { attributes: { title: `${count(Number(row.active))} customers` } },
        share(Number(row.share)),
      );
      cell.style.setProperty('--share', String(Math.round(Math.sqrt(Number(row.share)) * 100))); // small shares differ, too
      return cell;
    });
    return el(
      'tr',
      {},
      el('th', { attributes: { scope: 'row' } }, inWords(COHORT, cohort)),
      el('td', { class: 'number' }, count(Number(its[0]?.customers ?? 0))),
      ...cells,
    );
  });
  const heads = ['First order', 'Customers', ...months.map((month) => (month === 0 ? 'Same month' : `+${month}`))];
  return el(
    'div',
    { class: 'scroll whole', attributes: { tabindex: '0', role: 'group', 'aria-label': caption } },
    el(
      'table',
      { class: 'triangle' },
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { attributes: { scope: 'col' } }, head)))),
      el('tbody', {}, ...body),
    ),
  );
}
