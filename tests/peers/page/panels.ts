import type { Locator, Page } from 'playwright-core';
import type { Answer, Column, Value } from '../../../dashboard/answers';
import { settled } from './browser';
import * as inside from './inside';
import { tells } from './reading';
import type { Shop } from './shop';

/** Insights that the page has to show. */
export const SHOWN = {
  transactions: [
    ...['sales_by_day', 'sales_by_month', 'sales_by_hour', 'sales_by_weekday', 'top_products_by_revenue'],
    ...['top_products_by_quantity', 'revenue_by_country', 'price_changes', 'discounts', 'returns_by_product'],
    ...['rfm_segments', 'churn', 'retention'],
  ],
  events: ['funnel', 'cart_abandonment', 'active_users', 'revenue_by_category', 'revenue_by_brand'],
};

/** A list may be cut behind so many rows, as long as it says so. */
const FEWEST_OF_A_LIST = 100;
/** A line on an empty canvas is more than nothing: axes, labels and what is drawn in its own colours. */
const FEWEST_COLOURS = 8;

/** A panel with one of its insights: what differs from the API's answer, a line each. */
export type Compared = ReadonlyMap<string, { readonly differences: readonly string[]; readonly rows: number }>;

/** Days by data set, as the API is to be asked. */
export type Asked = Readonly<Record<'transactions' | 'events', Readonly<Record<string, string>>>>;

/** Holds every insight of every panel against the API's own answer, cell by cell. */
export async function compare(
  page: Page,
  shop: Shop,
  asked: Asked,
  panels = '.panel[data-insight]',
): Promise<Compared> {
  const compared = new Map<string, { differences: string[]; rows: number }>();
  for (const panel of await page.locator(panels).all()) {
    const tabs = await panel.locator('.tools button').all();
    for (const tab of tabs.length > 0 ? tabs : [undefined]) {
      await tab?.click();
      await settled(page);
      const name = (await panel.getAttribute('data-insight'))!;
      const dataset = SHOWN.events.includes(name) ? 'events' : 'transactions';
      const answer = await shop.insight(name, asked[dataset]);
      compared.set(name, { differences: await differences(panel, answer), rows: answer.rows.length });
    }
  }
  return compared;
}

async function differences(panel: Locator, answer: Answer): Promise<string[]> {
  const state = await panel.getAttribute('data-state');
  if (answer.rows.length === 0) return state === 'empty' ? [] : [`${state}, but the API has no rows`];
  if (state !== 'ready') return [`${state}: ${await panel.locator('.body').textContent()}`];
  await panel.getByText('As a table').click();
  await panel.locator('details[open] table').waitFor(); // it is made when it is looked at
  const { caption, columns, rows } = await panel.evaluate(inside.tableIn);
  await panel.getByText('As a table').click();
  const question = await panel.locator('.question').textContent();
  return [
    ...(question === answer.question ? [] : [`asks "${question}"`]),
    ...(columns.join() === answer.columns.map(({ name }) => name).join() ? [] : [`columns ${columns}`]),
    ...cut(caption, rows.length, answer.rows.length),
    ...rows.flatMap((cells, row) =>
      answer.columns.flatMap((column, index) => cell(cells[index], column, row, answer.rows[row]?.[column.name])),
    ),
    ...(await drawn(panel)),
  ];
}

const cut = (caption: string, shown: number, there: number): string[] => {
  if (shown === there) return [];
  const says = caption.includes(`the first ${shown} rows`);
  return shown >= FEWEST_OF_A_LIST && shown < there && says ? [] : [`${shown} rows of ${there}: "${caption}"`];
};

const cell = (text: string | undefined, column: Column, row: number, value: Value | undefined): string[] =>
  text !== undefined && value !== undefined && tells(text, column, value)
    ? []
    : [`row ${row}, ${column.name}: "${text}" for ${value}`];

/** What a panel has above its table: a chart with something on it and words for it, or the triangle. */
async function drawn(panel: Locator): Promise<string[]> {
  if ((await panel.locator('.triangle').count()) > 0) return [];
  const canvas = panel.locator('canvas');
  const { part, colours } = await canvas.evaluate(inside.painted);
  const label = (await canvas.getAttribute('aria-label')) ?? '';
  return [
    ...(part > 0 && colours >= FEWEST_COLOURS ? [] : [`blank: ${colours} colours on ${part}`]),
    ...(label === (await panel.locator('.chart + .summary').textContent()) && label.length > 20
      ? []
      : [`labelled "${label}"`]),
  ];
}

/** The insight that an address asks for, and how. */
export function insightIn(address: string): { name: string; query: Record<string, string> } | undefined {
  const { pathname, searchParams } = new URL(address);
  const [, name] = /^\/v1\/insights\/(\w+)$/.exec(pathname) ?? [];
  return name === undefined ? undefined : { name, query: Object.fromEntries(searchParams) };
}
