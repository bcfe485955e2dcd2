import { datasets } from './dataset';
import { dayOf, type Figures, ranked, SCALE } from './live';
import { plainDecimal } from './money';
import { estimate, SKETCH_ERROR } from './sketch';
import { onClock, zoneOf } from './timestamp';

/** Things that are shown. */
const SHOWN = 10;

/** What `GET /v1/live` answers of the sales and visits of a day. `behind`: not all that came is in it. */
export function liveAnswer(now: Date, { sales, visits, behind }: Live) {
  const timezone = zoneOf(datasets.get('transactions')!.contract);
  const day = onClock(now.toISOString(), timezone).slice(0, 10);
  const sold = reading(sales, day);
  const seen = reading(visits, day);
  const money = (units: bigint) => plainDecimal(units, SCALE.transactions);
  const value = (units: bigint) => plainDecimal(units, SCALE.events);
  return {
    at: now.toISOString(),
    day,
    timezone,
    behind,
    transactions: {
      revenue: money(sold.total('revenue')),
      orders: Number(sold.total('orders')),
      lines: Number(sold.total('lines')),
      pieces: Number(sold.total('pieces')),
      by_hour: HOURS.map((hour) => ({
        hour,
        orders: Number(sold.at('orders', hour)),
        revenue: money(sold.at('revenue', hour)),
      })),
      top_products: sold.top.map(([stock_code, { name: description, amounts }]) => ({
        stock_code,
        description,
        revenue: money(amounts[0]),
        pieces: Number(amounts[1]),
      })),
      products_cut: sold.cut,
    },
    events: {
      events: Number(seen.total('events')),
      views: Number(seen.total('view')),
      carts: Number(seen.total('cart')),
      removals: Number(seen.total('remove_from_cart')),
      purchases: Number(seen.total('purchase')),
      purchase_value: value(seen.total('value')),
      active_users: estimate(seen.users),
      active_users_error: Number(SKETCH_ERROR.toFixed(3)),
      by_hour: HOURS.map((hour) => ({
        hour,
        events: Number(seen.at('events', hour)),
        purchases: Number(seen.at('purchase', hour)),
      })),
      categories: seen.top.map(([category_id, { name: category_code, amounts }]) => ({
        category_id,
        category_code,
        purchases: Number(amounts[1]),
        value: value(amounts[0]),
      })),
      categories_cut: seen.cut,
    },
  };
}

export interface Live {
  readonly sales: Figures;
  readonly visits: Figures;
  readonly behind: boolean;
}

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

/** A day of figures to be read. */
function reading(figures: Figures, name: string) {
  const day = dayOf(new Map([...figures].filter(([of]) => of === name)), name);
  const at = (counter: string, hour: number): bigint => day.counters.get(counter)?.[hour] ?? 0n;
  return {
    at,
    total: (counter: string) => HOURS.reduce((sum, hour) => sum + at(counter, hour), 0n),
    top: ranked(day.things).slice(0, SHOWN),
    cut: day.cut,
    users: day.users,
  };
}
