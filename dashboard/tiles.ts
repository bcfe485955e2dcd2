import type { Live } from './answers';
import { asked, Refused, SignedOut } from './api';
import { el } from './dom';
import type { Shown } from './view';
import { at, count, dayInWords, hourInWords, money, share } from './words';

const EVERY_MS = 5000;
/** Often enough for an ear. */
const TELL_EVERY_MS = 60_000;

interface Tile {
  readonly element: HTMLElement;
  readonly value: HTMLElement;
}

function tile(name: string, title: string, kind = ''): Tile {
  const value = el('dd', {}, '…');
  const element = el('div', { class: `tile ${kind}`, attributes: { 'data-tile': name } }, el('dt', {}, title), value);
  return { element, value };
}

/** Puts a tile's text, and a smaller line below it. */
function put({ value, element }: Tile, text: string, raw: string, note = ''): void {
  element.dataset.value = raw;
  value.replaceChildren(text, ...(note ? [el('small', {}, note)] : []));
}

/**
 * Figures of the day, asked for every five seconds while somebody looks. They change silently; once a minute what changed is said
 * to those who listen.
 */
export function tiles(
  shown: Shown,
  signal: AbortSignal,
  { signedOut, tell }: { signedOut: () => void; tell: (text: string) => void },
): HTMLElement {
  const sales = shown !== 'visitors';
  const visitors = shown !== 'sales';
  const revenue = tile('revenue', 'Revenue today');
  const orders = tile('orders', 'Orders today');
  const top = tile('top_product', 'Top product today', 'text wide');
  const people = tile('visitors', 'Visitors today');
  const purchases = tile('purchases', 'Purchases today');
  const canvas = el('canvas', { attributes: { role: 'img' } });
  const hours = tile('by_hour', 'Orders by hour today', 'wide');
  hours.value.replaceChildren(el('div', { class: 'spark' }, canvas));
  const line = el('p', { class: 'live', attributes: { 'data-live': '' } }, 'Loading …');
  const list = el(
    'dl',
    { class: 'tiles' },
    ...(sales ? [revenue, orders] : []).map(({ element }) => element),
    ...(visitors ? [people, purchases] : []).map(({ element }) => element),
    ...(sales ? [top, hours] : []).map(({ element }) => element),
  );
  const section = el(
    'section',
    { attributes: { id: 'live', 'aria-labelledby': 'title-live' } },
    el('h2', { attributes: { id: 'title-live' } }, 'Today'),
    line,
    list,
  );

  let drawn = '';
  let [told, toldAt] = ['', 0];
  const show = async (live: Live): Promise<void> => {
    const { transactions, events } = live;
    put(revenue, money(transactions.revenue), transactions.revenue);
    put(orders, count(transactions.orders), String(transactions.orders));
    const first = transactions.top_products[0];
    put(
      top,
      first ? (first.description ?? first.stock_code) : 'None yet',
      first?.stock_code ?? '',
      first && `${money(first.revenue)}, ${count(first.pieces)} pieces`,
    );
    const error = events.active_users_error;
    put(
      people,
      count(events.active_users),
      String(events.active_users),
      error > 0 && events.active_users > 0 ? `give or take ${share(error)}` : '',
    );
    put(purchases, count(events.purchases), String(events.purchases), `worth ${money(events.purchase_value)}`);

    const nothing = (!sales || transactions.orders === 0) && (!visitors || events.events === 0);
    const day = dayInWords(live.day);
    line.textContent = [
      nothing ? `Nothing has come today, ${day}.` : `${day}, as of ${at(live.at)} (days of ${live.timezone}).`,
      ...(live.behind ? ['Rows are still being worked on: figures lag behind.'] : []),
    ].join(' ');
    section.dataset.state = nothing ? 'empty' : 'ready';

    const values = transactions.by_hour.map((hour) => hour.orders);
    if (sales && drawn !== values.join()) {
      drawn = values.join();
      const busiest = transactions.by_hour.reduce(
        (best, hour) => (hour.orders > best.orders ? hour : best),
        transactions.by_hour[0]!,
      );
      canvas.setAttribute(
        'aria-label',
        nothing ? 'No orders today' : `Most orders at ${hourInWords(busiest.hour)}: ${count(busiest.orders)}`,
      );
      const labels = transactions.by_hour.map(({ hour }) => hourInWords(hour));
      const says = (index: number) => count(values[index] ?? 0);
      const { draw } = await import('./chart');
      draw(canvas, { kind: 'bar', labels, series: [{ label: 'Orders', values, says }], small: true });
    }
    const news = nothing ? line.textContent : summaryOf(live, sales, visitors);
    if (news !== told && Date.now() - toldAt >= TELL_EVERY_MS) {
      [told, toldAt] = [news, Date.now()];
      tell(news);
    }
  };

  const look = async (): Promise<void> => {
    if (signal.aborted) return;
    if (document.visibilityState === 'visible') {
      try {
        await show(await asked<Live>('/v1/live', signal));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SignedOut) return signedOut();
        line.textContent = `Figures of the day cannot be had right now: they are asked for again. ${error instanceof Refused ? error.message : ''}`;
        section.dataset.state = 'error';
        if (!(error instanceof Refused)) console.error(error);
      }
    }
    setTimeout(look, EVERY_MS);
  };
  void look();
  return section;
}

const summaryOf = ({ transactions, events }: Live, sales: boolean, visitors: boolean): string =>
  [
    ...(sales ? [`revenue ${money(transactions.revenue)}, ${count(transactions.orders)} orders`] : []),
    ...(visitors ? [`${count(events.active_users)} visitors, ${count(events.purchases)} purchases`] : []),
  ]
    .join(', ')
    .replace(/^/, 'Today: ');
