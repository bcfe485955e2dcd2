import { Random } from './random';

/** One kind of bad row. `field` is the column in the contract's words; without it the whole row is at fault. */
export interface Dirt {
  reason: string;
  field?: string;
  /** Ways to spoil a row, used in turn; each takes a good row and leaves it as it is. */
  ways: ((row: readonly string[], random: Random) => string[])[];
}

const CONTROLS = ['\u0000', '\u0001', '\u0007', '\u001b', '\u001f', '\u007f'];
const notNumbers = [
  'NaN',
  'Infinity',
  '-Infinity',
  '1e999',
  '0x10',
  '1,5',
  'two',
  '--1',
  '12 pcs',
  '1 000',
  '１２',
  '-',
];
const notPrices = [...notNumbers, '£2.55', '2.5.5', '1.123456789', '123456789.5', '99999999999999999999'];
const notQuantities = [...notNumbers, '1.5', '2147483648', '-2147483649', '99999999999999999999'];

const transactionFields = [
  'invoice_no',
  'stock_code',
  'description',
  'quantity',
  'invoice_date',
  'unit_price',
  'customer_id',
  'country',
];
const eventFields = [
  'event_time',
  'event_type',
  'product_id',
  'category_id',
  'category_code',
  'brand',
  'price',
  'user_id',
  'user_session',
];

const transactionDirt: Dirt[] = [
  ...['invoice_no', 'stock_code', 'quantity', 'invoice_date', 'unit_price', 'country'].map(missing(transactionFields)),
  tooFewFields(),
  tooManyFields(),
  unparseable(transactionFields, 'quantity', notQuantities),
  unparseable(transactionFields, 'unit_price', notPrices),
  unparseable(transactionFields, 'invoice_date', [
    '2/31/2025 10:00',
    '2/29/2025 9:15',
    '31/12/2025 10:00',
    '0/10/2025 8:00',
    '12/1/2025 25:10',
    '12/1/2025 9:61',
    '2025-02-30 10:00:00',
    '2025-13-01T10:00:00Z',
    '45992.35',
    'yesterday',
  ]),
  ...Object.entries({ invoice_no: 32, stock_code: 64, description: 4000, customer_id: 64, country: 64 }).map(
    tooLong(transactionFields),
  ),
  ...['invoice_no', 'stock_code', 'description', 'customer_id', 'country'].map(controls(transactionFields)),
  rule('cancellation', 'invoice_no', 0, ['C', 'c'], (prefix, invoiceNo) => prefix + invoiceNo),
  rule('bad_debt', 'invoice_no', 0, ['A', 'a'], (prefix, invoiceNo) => prefix + invoiceNo),
  rule('non_positive_quantity', 'quantity', 3, ['0', '-1', '-24', '-2147483648']),
  rule('non_positive_price', 'unit_price', 5, ['0', '0.00', '-0.0001', '-11.95']),
];

const eventDirt: Dirt[] = [
  ...['event_time', 'event_type', 'product_id', 'category_id', 'price', 'user_id'].map(missing(eventFields)),
  tooFewFields(),
  tooManyFields(),
  unparseable(eventFields, 'price', notPrices),
  unparseable(eventFields, 'event_time', [
    '2025-02-30 10:00:00 UTC',
    '2025-02-29 10:00:00 UTC',
    '2025-13-01 10:00:00 UTC',
    '2025-00-10 10:00:00 UTC',
    '2025-03-01 25:00:00 UTC',
    '2025-03-01 10:61:00 UTC',
    '2025-04-31T10:00:00Z',
    '45992.35',
    'now',
  ]),
  ...Object.entries({
    event_type: 32,
    product_id: 64,
    category_id: 64,
    category_code: 256,
    brand: 256,
    user_id: 64,
    user_session: 64,
  }).map(tooLong(eventFields)),
  ...['event_type', 'product_id', 'category_id', 'category_code', 'brand', 'user_id', 'user_session'].map(
    controls(eventFields),
  ),
  rule('unknown_event_type', 'event_type', 1, ['wishlist', 'checkout', 'refund', 'viewed', 'add to cart', '1']),
  rule('negative_price', 'price', 6, ['-0.01', '-0.0001', '-7.94', '-79.37']),
];

/** Every kind of row that the contract of the data set rejects. */
export function dirtOf(dataset: 'transactions' | 'events'): readonly Dirt[] {
  return dataset === 'transactions' ? transactionDirt : eventDirt;
}

/**
 * Spoils exactly the share of the rows, at random places, and gives the others back as they came. Kinds are dealt like
 * cards, so that each occurs before one occurs twice. A row that was bad by nature is made good first: it is then bad
 * for one reason only. Call it once per row, in order.
 */
export function soiler(
  dataset: 'transactions' | 'events',
  { rows, share, seed }: { rows: number; share: number; seed: string | number },
): (row: string[]) => string[] {
  const random = new Random(seed, 'dirt');
  const healthy = dataset === 'transactions' ? healthyTransaction : healthyEvent;
  const deck = dirtOf(dataset).map(({ ways }) => ({ ways, used: 0 }));
  let dealt = deck.length;
  let wanted = Math.round(rows * share);
  let left = rows;
  return (row) => {
    // Selection sampling: exact, and every row has the same chance (Knuth, volume 2, algorithm 3.4.2 S).
    if (wanted === 0 || random.unit() * left-- >= wanted) return row;
    wanted--;
    if (dealt === deck.length) {
      random.shuffle(deck);
      dealt = 0;
    }
    const card = deck[dealt++] as (typeof deck)[0];
    const way = card.ways[card.used++ % card.ways.length] as Dirt['ways'][0];
    return way(healthy(row), random);
  };
}

function healthyTransaction(row: readonly string[]): string[] {
  const good = [...row];
  good[0] = good[0]?.replace(/^\D+/, '') ?? '';
  good[3] = good[3]?.replace('-', '') ?? '';
  if (!(Number(good[5]) > 0)) good[5] = '1.25';
  return good;
}

function healthyEvent(row: readonly string[]): string[] {
  return row.with(6, row[6]?.replace('-', '') ?? '');
}

function missing(fields: string[]): (field: string) => Dirt {
  return (field) => rule('missing', field, fields.indexOf(field), ['', '   ']);
}

function tooFewFields(): Dirt {
  return { reason: 'missing', ways: [(row, random) => row.slice(0, 1 + random.below(row.length - 1))] };
}

function tooManyFields(): Dirt {
  return {
    reason: 'unparseable',
    ways: [(row) => [...row, 'surplus'], (row) => [...row, '', ''], (row) => [...row, ...row]],
  };
}

function unparseable(fields: string[], field: string, values: string[]): Dirt {
  return rule('unparseable', field, fields.indexOf(field), values);
}

function tooLong(fields: string[]): (limit: [field: string, maxLength: number]) => Dirt {
  return ([field, maxLength]) =>
    rule('unparseable', field, fields.indexOf(field), ['9'.repeat(maxLength + 1), 'é'.repeat(maxLength + 1)]);
}

/** In the middle of the text: at its ends, trimming would take some of them away. */
function controls(fields: string[]): (field: string) => Dirt {
  return (field) =>
    rule('unparseable', field, fields.indexOf(field), CONTROLS, (control, text) => `${text || 'X'}${control}9`);
}

function rule(
  reason: string,
  field: string,
  at: number,
  values: string[],
  spoil: (value: string, old: string) => string = (value) => value,
): Dirt {
  return { reason, field, ways: values.map((value) => (row) => row.with(at, spoil(value, row[at] as string))) };
}
