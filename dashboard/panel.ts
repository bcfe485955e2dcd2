import type { Answer, Column, Row } from './answers';
import { ask, asked, Refused, SignedOut } from './api';
import type { Drawing } from './chart';
import { everyDay } from './days';
import { button, el, save } from './dom';
import type { Drawn, Panel, Shows } from './panels';
import { table } from './table';
import { triangle } from './triangle';
import { type Days, daysOf, lengthOf, type Span, type View } from './view';
import { inWords, words } from './words';

/** What a panel asks of the page. */
export interface Around {
  readonly view: View;
  readonly dataset: Span;
  /** Aborted when the view is another. */
  readonly signal: AbortSignal;
  /** Called when the session has ended. */
  readonly signedOut: () => void;
}

type Draw = typeof import('./chart').draw;

/** Bars that fit beside their names. */
const MOST_BARS = 10;
const MOST_CSV_ROWS = 10_000;

/** A panel: a section that fills itself, and says so when it cannot. */
export function panel({ id, title, shows, wide, longFrom }: Panel, around: Around): HTMLElement {
  const days = daysOf(around.view, around.dataset);
  const long = longFrom !== undefined && lengthOf(days, around.dataset) >= longFrom;
  let shown = shows[long ? 1 : 0]!;
  const question = el('p', { class: 'question' });
  const body = el('div', { class: 'body' });
  const foot = el('div', { class: 'foot' });
  const tabs = shows.map((each) =>
    button(each.label, () => {
      shown = each;
      void fill();
    }),
  );
  const group = { role: 'group', 'aria-label': `${title}: what is shown` };
  const heading = el('h3', { attributes: { id: `title-${id}`, tabindex: '-1' } }, title);
  const section = el(
    'section',
    { class: wide ? 'panel wide' : 'panel', attributes: { id: `panel-${id}`, 'aria-labelledby': `title-${id}` } },
    heading,
    question,
    ...(tabs.length > 1 ? [el('div', { class: 'tools', attributes: group }, ...tabs)] : []),
    body,
    foot,
  );

  const fill = async (): Promise<void> => {
    const wanted = shown;
    section.dataset.insight = wanted.insight;
    section.dataset.state = 'loading';
    for (const [index, tab] of tabs.entries()) tab.setAttribute('aria-pressed', String(shows[index] === wanted));
    question.textContent = '';
    say(body, 'loading', 'Loading …');
    foot.replaceChildren();
    try {
      // The chart's code comes meanwhile; the page is there before it.
      const asking = asked<Answer>(pathOf(wanted, days), around.signal);
      const [answer, { draw }] = await Promise.all([asking, import('./chart')]);
      if (wanted !== shown) return;
      question.textContent = answer.question;
      const empty = answer.rows.length === 0;
      if (empty)
        say(body, 'empty', answer.built_at === null ? 'Nothing has been worked out yet.' : 'No rows in this range.');
      else show(body, title, wanted, answer, draw);
      foot.replaceChildren(...below(title, wanted, answer, days, around));
      section.dataset.state = empty ? 'empty' : 'ready';
    } catch (error) {
      if (around.signal.aborted || wanted !== shown) return;
      if (error instanceof SignedOut) return around.signedOut();
      say(body, 'error', error instanceof Refused ? error.message : 'This could not be drawn.');
      const again = button('Try again', () => {
        heading.focus(); // the button is about to go
        void fill();
      });
      body.append(el('p', {}, again));
      section.dataset.state = 'error';
      if (!(error instanceof Refused)) console.error(error);
    }
  };
  void fill();
  return section;
}

function say(body: HTMLElement, state: 'loading' | 'empty' | 'error', text: string): void {
  body.className = `body ${state}`;
  body.replaceChildren(el('p', {}, text));
}

const pathOf = ({ insight, rows }: Shows, days: Days, format?: 'csv') => {
  const limit = format === 'csv' ? MOST_CSV_ROWS : rows;
  const query = new URLSearchParams({ ...days, limit: String(limit), ...(format && { format }) });
  return `/v1/insights/${insight}?${query}`;
};

function show(body: HTMLElement, title: string, { drawn }: Shows, answer: Answer, draw: Draw): void {
  if (drawn === 'triangle') {
    body.className = 'body';
    body.replaceChildren(triangle(answer.rows));
    return;
  }
  const bars = drawn.kind === 'bars';
  const rows = bars ? answer.rows.slice(0, MOST_BARS) : answer.rows;
  const summary = summaryOf(title, drawn, answer, rows);
  const canvas = el('canvas', { attributes: { role: 'img', 'aria-label': summary } });
  body.className = 'body';
  body.replaceChildren(el('div', { class: 'chart' }, canvas), el('p', { class: 'summary' }, summary));
  draw(canvas, drawingOf(drawn, answer, drawn.kind === 'line' ? everyDay(rows) : rows));
}

const columnNamed = ({ columns }: Answer, name: string): Column =>
  columns.find((column) => column.name === name) ?? { name, type: 'text', description: name };

/** A row's name: its first column of these that has a value. */
const nameOf = ({ by }: Drawn, answer: Answer, row: Row): string => {
  const column = by.find((name) => row[name] !== null && row[name] !== undefined);
  return column === undefined ? 'without a name' : inWords(columnNamed(answer, column), row[column]!);
};

const drawingOf = (drawn: Drawn, answer: Answer, rows: readonly Row[]): Drawing => ({
  kind: drawn.kind,
  labels: rows.map((row) => nameOf(drawn, answer, row)),
  series: drawn.values.map((name) => ({
    label: words(name),
    // Where a bar ends; its number is said exactly.
    values: rows.map((row) => (row[name] === undefined ? null : Number(row[name] ?? 0))),
    says: (index) => inWords(columnNamed(answer, name), rows[index]?.[name] ?? null),
  })),
});

/** The chart in a sentence, for those who do not see it and for those who want no more. */
function summaryOf(title: string, drawn: Drawn, answer: Answer, rows: readonly Row[]): string {
  const [name] = drawn.values as [string];
  const column = columnNamed(answer, name);
  // A title that names the figure says it once: "Orders by hour", but "Countries, revenue".
  const figure = words(name).toLowerCase();
  const what = title.toLowerCase().includes(figure) ? title : `${title}, ${figure}`;
  const told = (row: Row) => `${nameOf(drawn, answer, row)} (${inWords(column, row[name] ?? null)})`;
  if (drawn.kind === 'bars') {
    const of = answer.rows.length > rows.length ? `The first ${rows.length}` : `All ${rows.length}`;
    return `${what}. ${of}: ${rows.slice(0, 3).map(told).join(', ')}${rows.length > 3 ? ' and others' : ''}.`;
  }
  const sorted = [...rows].sort((a, b) => Number(a[name] ?? 0) - Number(b[name] ?? 0));
  const ends = `${nameOf(drawn, answer, rows[0]!)} to ${nameOf(drawn, answer, rows.at(-1)!)}`;
  return `${what}, ${ends}. Highest: ${told(sorted.at(-1)!)}; lowest: ${told(sorted[0]!)}.`;
}

/** Below the chart: its rows as a table, as a file, and what they do not say. */
function below(title: string, shown: Shows, answer: Answer, days: Days, around: Around): HTMLElement[] {
  const said = answer.truncated ? `${title}: the first ${answer.rows.length} rows` : title;
  const rows = el('details', {}, el('summary', {}, 'As a table'));
  // Made when it is looked at: all tables at once would be thousands of cells.
  rows.addEventListener(
    'toggle',
    () => rows.childElementCount === 1 && rows.append(table(said, answer.columns, answer.rows)),
  );
  const download = button(
    'Download CSV',
    async () => {
      try {
        const file = await ask(pathOf(shown, days, 'csv'));
        const span = [days.from, days.to].filter(Boolean).join('_');
        save(`${shown.insight}${span && `_${span}`}.csv`, await file.blob());
      } catch (error) {
        if (error instanceof SignedOut) return around.signedOut();
        download.textContent = error instanceof Refused ? 'Download failed: try again' : 'Download failed';
      }
    },
    { 'data-action': 'csv', 'aria-label': `Download CSV: ${title}` },
  );
  const cannot = el(
    'details',
    { class: 'cannot' },
    el('summary', {}, 'What it cannot say'),
    el('ul', {}, ...answer.cannot.map((text) => el('li', {}, text))),
  );
  return [...(answer.rows.length > 0 ? [rows] : []), ...(answer.cannot.length > 0 ? [cannot] : []), download];
}
