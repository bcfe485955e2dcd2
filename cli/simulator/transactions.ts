import { dayOf, MINUTES_PER_DAY, visits, whenOpen } from './calendar';
import { catalogue, type Product, priceText } from './catalogue';
import { customers, HOME } from './customers';
import { Queue } from './queue';
import { Random, Weighted, zipf } from './random';

export const transactionColumns = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
];

const PRODUCTS = 4000;
const LINES_PER_INVOICE = 21;
const INVOICES_PER_DAY = 70;
const OPEN_DAYS_PER_YEAR = 330;
const MOST_CUSTOMERS = 200_000;

interface Line {
  code: string;
  description: string;
  quantity: number;
  mills: number;
}

interface Invoice {
  no: string;
  /** Minutes since 1970. */
  minute: number;
  /** Empty for a guest. */
  customer: string;
  country: string;
  lines: Line[];
}

const quantities = [1, 2, 12, 6, 4, 3, 24, 10, 8, 5, 48, 25, 20, 16, 36, 7, 9, 72, 100, 144, 200, 600];
const quantityWeights = [295, 160, 120, 80, 75, 72, 47, 44, 26, 23, 12, 10, 10, 8, 8, 6, 4, 4, 4, 2, 1.5, 0.5];
const losses = ['', '', '', 'damaged', 'wet, thrown away', 'lost?', 'check'];

/**
 * The lines of a shop that sells household goods, invoice after invoice, without end. A shop of up to about half a
 * million rows has 70 invoices a day and takes as many days as it needs; a larger one is busier and takes at most a
 * year.
 *
 * Even a clean shop has rows that the contract rejects, as real ones do: cancellations (1.5 % of rows), stock taken out
 * without a sale (0.3 %: negative quantity, price 0), samples (0.2 %: price 0) and bad debts (a row in 90,000).
 */
export function* transactions(rows: number, seed: string | number): Generator<string[]> {
  const random = new Random(seed, 'lines');
  for (const { no, minute, customer, country, lines } of invoices(rows, seed)) {
    const time = timeText(minute);
    for (const { code, description, quantity, mills } of lines) {
      const row = [no, code, description, String(quantity), time, priceText(mills), customer, country];
      yield row;
      if (random.chance(0.005)) yield row;
    }
  }
}

function* invoices(rows: number, seed: string | number): Generator<Invoice> {
  const random = new Random(seed, 'invoices');
  const expected = rows / LINES_PER_INVOICE;
  const perDay = Math.max(INVOICES_PER_DAY, expected / OPEN_DAYS_PER_YEAR);
  const shop = openShop(Math.min(MOST_CUSTOMERS, Math.max(20, Math.round(expected / 5))), seed);
  const returns = new Queue<Invoice>();
  let number = 100_001;
  for (const minute of visits(perDay, random)) {
    while (returns.time <= minute) {
      const at = returns.time;
      const returned = returns.take();
      yield { ...returned, no: `C${number++}`, minute: at };
    }
    const invoice = { ...shop(random), no: String(number++), minute };
    if (random.chance(0.00025)) yield badDebt(`A${number++}`, minute, random);
    yield invoice;
    if (invoice.lines[0] && invoice.lines[0].quantity > 0 && random.chance(0.17)) {
      const lines = sentBack(invoice.lines, random);
      returns.add(whenOpen(minute + 5 + Math.round(random.logNormal(45, 1)), random), { ...invoice, lines });
    }
  }
}

type Sale = Omit<Invoice, 'no' | 'minute'>;

function openShop(customerCount: number, seed: string | number): (random: Random) => Sale {
  const setUp = new Random(seed, 'shop');
  const products = catalogue(PRODUCTS, setUp);
  const popularity = zipf(PRODUCTS, 50);
  const { ids, countries, loyalty } = customers(customerCount, setUp);
  const amounts = new Weighted(quantityWeights);

  function line(random: Random, guest: boolean): Line {
    const { code, description, mills } = products[popularity.draw(random)] as Product;
    const quantity = guest && random.chance(0.7) ? 1 + random.below(3) : (quantities[amounts.draw(random)] as number);
    return {
      code,
      description: random.chance(0.0005) ? '' : description,
      quantity,
      mills: random.chance(0.002) ? 0 : unitPrice(mills, quantity, guest),
    };
  }

  function loss(random: Random): Line {
    const { code } = products[popularity.draw(random)] as Product;
    return { code, description: random.pick(losses), quantity: -1 - random.below(60), mills: 0 };
  }

  /** Guests are 17 % of the invoices and a quarter of the rows: odd corrections, single sales, and long web orders. */
  return (random) => {
    const luck = random.unit();
    if (luck < 0.06) return { customer: '', country: HOME, lines: [loss(random)] };
    if (luck < 0.17) {
      const count = luck < 0.09 ? 1 : lineCount(random.logNormal(52, 0.8));
      return { customer: '', country: HOME, lines: lines(count, () => line(random, true)) };
    }
    const index = loyalty.draw(random);
    const country = countries[index] as string;
    const bought = lines(lineCount(random.logNormal(15, 0.8)), () => line(random, false));
    if (country !== HOME) bought.push({ code: 'POST', description: 'POSTAGE', quantity: 1, mills: 18_000 });
    return { customer: ids[index] as string, country, lines: bought };
  };
}

function lines(count: number, line: () => Line): Line[] {
  return Array.from({ length: count }, line);
}

function lineCount(wanted: number): number {
  return Math.min(1500, Math.max(1, Math.round(wanted)));
}

/** Guests pay about twice the trade price; 48 pieces and more are 15 % cheaper, to the tenth of a penny. */
function unitPrice(mills: number, quantity: number, guest: boolean): number {
  if (quantity >= 48) return Math.round((mills * 85) / 100);
  return guest ? Math.round((mills * 196) / 1000) * 10 : mills;
}

/** One to four of the lines, whole or in part. */
function sentBack(bought: Line[], random: Random): Line[] {
  const first = random.below(bought.length);
  return bought
    .slice(first, first + 1 + random.below(4))
    .map((line) => ({ ...line, quantity: random.chance(0.6) ? -line.quantity : -1 - random.below(line.quantity) }));
}

function badDebt(no: string, minute: number, random: Random): Invoice {
  const mills = (random.chance(0.5) ? -1 : 1) * (500_000 + 10 * random.below(1_000_000));
  const line = { code: 'B', description: 'Bad debt written off', quantity: 1, mills };
  return { no, minute, customer: '', country: HOME, lines: [line] };
}

/** `M/D/YYYY H:MM` */
function timeText(minute: number): string {
  const { year, month, day } = dayOf(Math.floor(minute / MINUTES_PER_DAY));
  const ofDay = minute % MINUTES_PER_DAY;
  return `${month}/${day}/${year} ${Math.floor(ofDay / 60)}:${String(ofDay % 60).padStart(2, '0')}`;
}
