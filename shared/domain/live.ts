import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decimalShape } from './contract';
import type { Event, Transaction } from './contracts/types';
import { datasets } from './dataset';
import { unscaled } from './money';
import type { KeptRow } from './outcome';
import { addTo, emptySketch, fromBytes, merge, type Sketch, toBytes } from './sketch';
import { onClock, zoneOf } from './timestamp';

/** A product that was sold, or a category of which something was bought: what it came to first, then how many. */
interface Thing {
  readonly name: string | null;
  readonly amounts: Amounts;
}
type Amounts = readonly [value: bigint, count: bigint];

/** What rows of a day come to. */
interface DayFigures {
  /** By hour of the shop's clock; a day's figure is the sum. Money in units of the contract's last decimal. */
  readonly counters: Map<string, bigint[]>;
  readonly things: Map<string, Thing>;
  /** Things that are not among them. */
  others: Amounts;
  /** There are, or were, such: a thing may have more than is said of it. */
  cut: boolean;
  /** Visitors. */
  readonly users: Sketch;
}

/** What rows of a data set come to, by the day on which it happened. They add up, in any order. */
export type Figures = Map<string, DayFigures>;

/** Things that a chunk's figures keep, and those of a sum. */
export const MOST_THINGS = { chunk: 1000, sum: 5000 } as const;
/** Characters of a thing's name. */
const NAME = 100;

/** What one row adds. */
interface Measured {
  readonly counters: readonly (readonly [counter: string, amount: bigint])[];
  readonly thing?: Thing & { readonly key: string };
  readonly user?: string;
}
/** `opens`: the row is the first line of its invoice. */
type Measure = (row: KeptRow['row'], opens: boolean) => Measured;

const scaleOf = (dataset: string, column: string): number =>
  decimalShape(datasets.get(dataset)!.contract.columns.find(({ name }) => name === column)!.type).scale;
/** Decimals of money, by data set. */
export const SCALE = { transactions: scaleOf('transactions', 'unit_price'), events: scaleOf('events', 'price') };

/** Data sets that have figures. */
const MEASURES: Readonly<Record<string, Measure>> = {
  transactions(row, opens) {
    const { stock_code, description, quantity, unit_price } = row as unknown as Transaction;
    const pieces = BigInt(quantity);
    const revenue = pieces * unscaled(unit_price, SCALE.transactions);
    return {
      counters: [
        ['revenue', revenue],
        ['lines', 1n],
        ['pieces', pieces],
        ...(opens ? ([['orders', 1n]] as const) : []),
      ],
      thing: { key: stock_code, name: description, amounts: [revenue, pieces] },
    };
  },
  events(row) {
    const { event_type, category_id, category_code, price, user_id: user } = row as unknown as Event;
    if (event_type !== 'purchase')
      return {
        counters: [
          ['events', 1n],
          [event_type, 1n],
        ],
        user,
      };
    const value = unscaled(price, SCALE.events);
    return {
      counters: [
        ['events', 1n],
        ['purchase', 1n],
        ['value', value],
      ],
      thing: { key: category_id, name: category_code, amounts: [value, 1n] },
      user,
    };
  },
};

/**
 * The figures of a chunk's kept rows that happened on the day when it came, or on the next (a clock that is ahead): what
 * is of an earlier day will never be of today. `opening`: line_ids of rows that are the first line of their invoice. The
 * same rows give the same figures; a data set that has none gives none.
 */
export function figuresOf(
  { dataset, received_at }: { readonly dataset: string; readonly received_at: string },
  rows: readonly KeptRow[],
  opening: ReadonlySet<string>,
): Figures {
  const figures: Figures = new Map();
  const measure = MEASURES[dataset];
  if (!measure) return figures;
  const { contract } = datasets.get(dataset)!;
  const timezone = zoneOf(contract);
  const today = onClock(received_at, timezone).slice(0, 10);
  const tomorrow = new Date(Date.parse(today) + 86_400_000).toISOString().slice(0, 10);
  for (const { line_id, row } of rows) {
    const time = onClock(String(row[contract.event_time]), timezone);
    const day = time.slice(0, 10);
    if (day !== today && day !== tomorrow) continue;
    addRow(dayOf(figures, day), Number(time.slice(11, 13)), measure(row, opening.has(line_id)));
  }
  for (const day of figures.values()) cutTo(day, MOST_THINGS.chunk);
  return figures;
}

/** A day's figures, begun where there are none. */
export function dayOf(figures: Figures, day: string): DayFigures {
  let found = figures.get(day);
  if (!found) {
    found = { counters: new Map(), things: new Map(), others: [0n, 0n], cut: false, users: emptySketch() };
    figures.set(day, found);
  }
  return found;
}

function addRow(day: DayFigures, hour: number, { counters, thing, user }: Measured): void {
  for (const [counter, amount] of counters) count(day, counter, hour, amount);
  if (thing) addThing(day, thing.key, thing);
  if (user !== undefined) addTo(day.users, user);
}

function count({ counters }: DayFigures, counter: string, hour: number, amount: bigint): void {
  const hours = counters.get(counter) ?? new Array<bigint>(24).fill(0n);
  hours[hour]! += amount;
  counters.set(counter, hours);
}

const plus = (a: Amounts, b: Amounts): Amounts => [a[0] + b[0], a[1] + b[1]];

/** Of a thing's names the last in the order of their characters, so that it does not matter which comes first. */
function addThing({ things }: DayFigures, key: string, { name, amounts }: Thing): void {
  const known = things.get(key);
  const short = name === null ? null : [...name.slice(0, 2 * NAME)].slice(0, NAME).join('');
  if (!known) things.set(key, { name: short, amounts });
  else {
    const last = known.name === null || (short !== null && short > known.name) ? short : known.name;
    things.set(key, { name: last, amounts: plus(known.amounts, amounts) });
  }
}

type Ranked = readonly [key: string, thing: Thing];

/** Those of the greatest value first. */
export const ranked = (things: ReadonlyMap<string, Thing>): Ranked[] =>
  [...things].sort(
    ([a, { amounts: x }], [b, { amounts: y }]) => signOf(y[0] - x[0]) || signOf(y[1] - x[1]) || (a < b ? -1 : 1),
  );
const signOf = (n: bigint): number => (n === 0n ? 0 : n < 0n ? -1 : 1);

/** Leaves so many things, those of the greatest value; what the rest came to stays in the sum. */
function cutTo(day: DayFigures, most: number): void {
  if (day.things.size <= most) return;
  for (const [key, { amounts }] of ranked(day.things).slice(most)) {
    day.others = plus(day.others, amounts);
    day.things.delete(key);
  }
  day.cut = true;
}

/** Adds figures to others. */
export function addFigures(sum: Figures, more: Figures): void {
  for (const [name, { counters, things, others, cut, users }] of more) {
    const day = dayOf(sum, name);
    for (const [counter, hours] of counters) for (const [hour, n] of hours.entries()) count(day, counter, hour, n);
    for (const [key, thing] of things) addThing(day, key, thing);
    if (day.things.size > 2 * MOST_THINGS.sum) cutTo(day, MOST_THINGS.sum);
    day.others = plus(day.others, others);
    day.cut ||= cut;
    merge(day.users, users);
  }
}

/** An item of DynamoDB has at most 400 KB, its keys and the names of its attributes among them. */
export const MOST_BYTES = 350_000;

interface Written {
  readonly counters: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly things: readonly (readonly [key: string, name: string | null, value: string, count: string])[];
  readonly others: readonly [string, string];
  readonly cut: boolean;
  readonly users: string;
}

/**
 * Figures as bytes, never more than MOST_BYTES: with fewer things where they would be. What is no thing takes some KB a
 * day, and a window has three days at most.
 */
export function encodeFigures(figures: Figures): Uint8Array {
  for (let most: number = MOST_THINGS.sum; ; most = Math.floor(most / 2)) {
    const days = [...figures].map(([name, day]) => [name, written(day, most)] as const);
    const bytes = zstdCompressSync(JSON.stringify(Object.fromEntries(days)));
    if (bytes.length <= MOST_BYTES || most === 0) return bytes;
  }
}

function written(day: DayFigures, most: number): Written {
  const left = { ...day, things: new Map(day.things) };
  cutTo(left, most);
  const counters = [...left.counters].map(([counter, hours]) => {
    const used = [...hours.entries()].filter(([, n]) => n !== 0n);
    return [counter, Object.fromEntries(used.map(([hour, n]) => [hour, String(n)]))] as const;
  });
  return {
    counters: Object.fromEntries(counters),
    things: ranked(left.things).map(([key, { name, amounts }]) => [key, name, String(amounts[0]), String(amounts[1])]),
    others: [String(left.others[0]), String(left.others[1])],
    cut: left.cut,
    users: Buffer.from(toBytes(left.users)).toString('base64'),
  };
}

/** The figures of bytes that encodeFigures made. */
export function decodeFigures(bytes: Uint8Array): Figures {
  const days = JSON.parse(zstdDecompressSync(bytes).toString()) as Readonly<Record<string, Written>>;
  const figures: Figures = new Map();
  for (const [name, { counters, things, others, cut, users }] of Object.entries(days)) {
    const day: DayFigures = {
      counters: new Map(),
      things: new Map(
        things.map(([key, called, value, n]) => [key, { name: called, amounts: [BigInt(value), BigInt(n)] }]),
      ),
      others: [BigInt(others[0]), BigInt(others[1])],
      cut,
      users: fromBytes(Buffer.from(users, 'base64')),
    };
    for (const [counter, hours] of Object.entries(counters))
      for (const [hour, n] of Object.entries(hours)) count(day, counter, Number(hour), BigInt(n));
    figures.set(name, day);
  }
  return figures;
}
