import {
  addFigures,
  decodeFigures,
  encodeFigures,
  type Figures,
  figuresOf,
  MOST_BYTES,
} from '../../shared/domain/live';
import { liveAnswer } from '../../shared/domain/live-answer';
import type { KeptRow, Row } from '../../shared/domain/outcome';

const NOW = new Date('2026-03-01T12:00:00Z');
const CAME = { dataset: 'transactions', received_at: '2026-03-01T12:00:00.000Z' };
const VISITED = { ...CAME, dataset: 'events' };

let lines = 0;
const kept = (row: Row): KeptRow => ({ line_id: `line ${lines++}`, row });
const sale = (fields: Row = {}) =>
  kept({
    invoice_no: '1',
    stock_code: 'A',
    description: 'A thing',
    quantity: 1,
    invoice_date: '2026-03-01T09:30:00Z',
    unit_price: '2.55',
    customer_id: '17850',
    country: 'France',
    ...fields,
  });
const visit = (fields: Row = {}) =>
  kept({
    event_time: '2026-03-01T09:30:00Z',
    event_type: 'purchase',
    product_id: '1',
    category_id: 'c',
    category_code: null,
    brand: null,
    price: '1.5',
    user_id: 'u1',
    user_session: null,
    ...fields,
  });

const NONE: Figures = new Map();
const salesOf = (...rows: KeptRow[]) => figuresOf(CAME, rows, new Set());
const soldIn = (sales: Figures, now = NOW) => liveAnswer(now, { sales, visits: NONE, behind: false }).transactions;
const seenIn = (visits: Figures) => liveAnswer(NOW, { sales: NONE, visits, behind: false }).events;

it('adds money exactly', () => {
  const rows = [sale({ quantity: 3, unit_price: '0.1' }), sale({ quantity: 1, unit_price: '0.2001' })];
  expect(soldIn(salesOf(...rows)).revenue).toBe('0.5001');
  const most = sale({ quantity: 2_147_483_647, unit_price: '99999999.9999' });
  expect(soldIn(salesOf(most)).revenue).toBe('214748364699785251.6353');
});

it('counts an order in the hour of the line that opens it', () => {
  const [first, second] = [sale(), sale({ invoice_date: '2026-03-01T10:00:00Z' })];
  const { orders, by_hour } = soldIn(figuresOf(CAME, [first, second], new Set([second.line_id])));
  expect([orders, by_hour[9]!.orders, by_hour[10]!.orders]).toEqual([1, 0, 1]);
});

it.each([
  ['the day before', '2026-02-28T23:59:59.999Z', 0],
  ['the day', '2026-03-01T00:00:00Z', 1],
  ['the day after', '2026-03-02T23:59:59Z', 1],
  ['two days after', '2026-03-03T00:00:00Z', 0],
])('takes rows of %s of their arrival: %s', (_, invoice_date, days) => {
  expect(salesOf(sale({ invoice_date })).size).toBe(days);
});

it('has no figures of a data set that it does not know', () => {
  expect(figuresOf({ ...CAME, dataset: 'returns' }, [sale()], new Set())).toEqual(NONE);
});

it('calls a thing by the last of its names, whichever comes first', () => {
  const names = [null, 'B', 'A', null, 'C'];
  for (const order of [names, names.toReversed()]) {
    const sum: Figures = new Map();
    for (const description of order) addFigures(sum, salesOf(sale({ description })));
    expect(soldIn(sum).top_products[0]).toMatchObject({ description: 'C', pieces: 5 });
    expect(soldIn(salesOf(...order.map((description) => sale({ description })))).top_products[0]!.description).toBe(
      'C',
    );
  }
  expect(soldIn(salesOf(sale({ description: null }), sale({ description: null }))).top_products[0]!.description).toBe(
    null,
  );
});

it('cuts long names between characters', () => {
  const { top_products } = soldIn(salesOf(sale({ description: '🧁'.repeat(200) })));
  expect(top_products[0]!.description).toBe('🧁'.repeat(100));
});

it('ranks products by revenue, then by pieces, then by code', () => {
  const of = (stock_code: string, quantity: number, unit_price: string) => sale({ stock_code, quantity, unit_price });
  const { top_products } = soldIn(
    salesOf(of('D', 1, '4'), of('C', 2, '2'), of('B', 2, '2'), of('BB', 2, '2'), of('A', 1, '3'), of('E', 1, '5')),
  );
  expect(top_products.map(({ stock_code }) => stock_code)).toEqual(['E', 'B', 'BB', 'C', 'D', 'A']);
});

it('keeps the thousand best products of a chunk, and every sum exact', () => {
  const many = Array.from({ length: 1500 }, (_, i) => sale({ stock_code: `S${i}`, unit_price: String(i + 1) }));
  const figures = salesOf(...many);
  expect(figures.get('2026-03-01')!.things.size).toBe(1000);
  const { top_products, ...sold } = soldIn(figures);
  expect(sold).toMatchObject({ revenue: '1125750', lines: 1500, products_cut: true });
  expect(top_products[0]!.stock_code).toBe('S1499');
  expect(top_products).toHaveLength(10);
  const { things, others } = figures.get('2026-03-01')!;
  const named = [...things.values()].reduce((sum, { amounts }) => sum + amounts[0], 0n);
  expect([named + others[0], others[1]]).toEqual([11_257_500_000n, 500n]);
});

it('keeps so many of a sum that memory does not grow with the chunks', () => {
  const sum: Figures = new Map();
  for (let chunk = 0; chunk < 12; chunk++)
    addFigures(sum, salesOf(...Array.from({ length: 1000 }, (_, i) => sale({ stock_code: `${chunk}-${i}` }))));
  expect(sum.get('2026-03-01')!.things.size).toBeLessThanOrEqual(10_000);
  expect(soldIn(sum)).toMatchObject({ lines: 12_000, products_cut: true });
});

it('sums categories of what was bought only, and visitors of all that they did', () => {
  const visits = figuresOf(
    VISITED,
    [visit(), visit({ event_type: 'view', user_id: 'u2', category_id: 'd' }), visit({ price: '0' })],
    new Set(),
  );
  const { categories, ...seen } = seenIn(visits);
  expect(seen).toMatchObject({ events: 3, views: 1, purchases: 2, purchase_value: '1.5', active_users: 2 });
  expect(categories).toEqual([{ category_id: 'c', category_code: null, purchases: 2, value: '1.5' }]);
});

it('adds up to the same in any order, and comes out of its bytes as it went in', () => {
  const parts = [
    salesOf(sale(), sale({ stock_code: 'B' })),
    salesOf(sale({ invoice_date: '2026-03-02T00:00:00Z' })),
    figuresOf(VISITED, [visit(), visit({ user_id: 'u2' })], new Set()),
  ];
  const [there, back]: Figures[] = [new Map(), new Map()];
  for (const part of parts) addFigures(there!, decodeFigures(encodeFigures(part)));
  for (const part of parts.toReversed()) addFigures(back!, part);
  expect(there).toEqual(back);
  expect(decodeFigures(encodeFigures(there!))).toEqual(there);
});

it('takes few bytes for one row, and never more than an item of DynamoDB has', () => {
  const one = encodeFigures(salesOf(sale())).length;
  expect(one).toBeLessThan(300);
  // Text that does not compress: the worst that a contract lets through.
  const noise = (seed: number) =>
    Array.from({ length: 64 }, (_, i) => String.fromCodePoint(0x20000 + ((seed * 7919 + i * i * 104_729) % 40_000)));
  const sum: Figures = new Map();
  for (let chunk = 0; chunk < 5; chunk++) {
    for (const invoice_date of ['2026-03-01T01:00:00Z', '2026-03-02T01:00:00Z']) {
      const rows = Array.from({ length: 1000 }, (_, i) => {
        const stock_code = noise(chunk * 1000 + i).join('');
        return sale({ stock_code, description: stock_code.repeat(2), invoice_date, quantity: i + 1 });
      });
      addFigures(sum, salesOf(...rows));
    }
  }
  const bytes = encodeFigures(sum);
  expect(bytes.length).toBeLessThanOrEqual(MOST_BYTES);
  const read = decodeFigures(bytes);
  expect(soldIn(read)).toMatchObject({ lines: 5000, revenue: soldIn(sum).revenue, products_cut: true });
  expect(soldIn(read).top_products).toEqual(soldIn(sum).top_products);
});

it('answers for the day that it is, and for no other', () => {
  const tomorrow = salesOf(sale({ invoice_date: '2026-03-02T00:00:00Z' }));
  expect(soldIn(tomorrow).revenue).toBe('0');
  expect(soldIn(tomorrow, new Date('2026-03-02T00:00:00Z')).revenue).toBe('2.55');
});
