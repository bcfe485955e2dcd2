import type { Contract } from '../../../shared/domain/contract';
import type { KeptRow, Value } from '../../../shared/domain/outcome';

/*
 * Values at the edges of what a contract lets through and, since a contract may be added, of what its types hold. In
 * pairs: as clean hands them on, and as DuckDB writes what was stored; the second is written by hand.
 */
const TEXTS = [
  'plain',
  '"quoted" \'twice\'',
  'back\\slash \\n \\u0041 \\',
  'line\nbreak, tab\tand return\r.',
  'emoji 😀 👩‍👩‍👧, ünïcödé, 漢字, עברית',
  'a\u00a0b\u200bc\u2028d\ufeffe',
  'null',
  'NULL',
  '\\N',
  'NaN',
  '""',
  '{"a": [1, null]}',
  '[1, 2]',
  '007',
  '1e5',
  '12.50',
  '-',
  'true',
  '2010-12-01 08:26:00',
  '</a>& # // /* ; , : =',
  '\u007e\u0080\u00ff\uffff\u{10ffff}',
  'x'.repeat(4000),
];
const INTS = [1, 0, -1, 2147483647, -2147483648, 10, 100000];
const DECIMALS = [
  ['0.0001', '0.0001'],
  ['99999999.9999', '99999999.9999'],
  ['-99999999.9999', '-99999999.9999'],
  ['-0.0001', '-0.0001'],
  ['0', '0.0000'],
  ['10', '10.0000'],
  ['2.55', '2.5500'],
  ['0.1', '0.1000'],
  ['12345678.9', '12345678.9000'],
  ['1.005', '1.0050'],
] as const;
const TIMES = [
  ['2010-12-01T08:26:00Z', '2010-12-01 08:26:00+00'],
  ['2019-12-31T23:59:59.999Z', '2019-12-31 23:59:59.999+00'],
  ['2020-01-01T00:00:00Z', '2020-01-01 00:00:00+00'],
  ['2012-02-29T23:59:59.5Z', '2012-02-29 23:59:59.5+00'],
  ['2020-06-30T12:00:00.000001Z', '2020-06-30 12:00:00.000001+00'],
  ['2020-06-30T12:00:00.999999Z', '2020-06-30 12:00:00.999999+00'],
  ['1900-01-01T00:00:00Z', '1900-01-01 00:00:00+00'],
  ['1969-12-31T23:59:59.9Z', '1969-12-31 23:59:59.9+00'],
  ['1970-01-01T00:00:00Z', '1970-01-01 00:00:00+00'],
  ['2021-03-28T02:30:00Z', '2021-03-28 02:30:00+00'], // an hour that clocks in Europe leave out
  ['2262-04-11T23:47:16.854776Z', '2262-04-11 23:47:16.854776+00'], // one more than nanoseconds of 64 bits hold
  ['9999-12-31T23:59:59.999999Z', '9999-12-31 23:59:59.999999+00'],
] as const;

/** A row as it is handed to landing, and its contract's columns as text when they are read. */
export interface Edge {
  readonly kept: KeptRow;
  readonly read: readonly (string | null)[];
}

/** Rows in which every column of the contract takes every value above; nullable ones are null in every third row. */
export function edges({ columns }: Contract): Edge[] {
  const length = Math.max(TEXTS.length, INTS.length, DECIMALS.length, TIMES.length) * 3;
  return Array.from({ length }, (_, n) => {
    const row: Record<string, Value> = {};
    const read = columns.map(({ name, type, nullable }, i) => {
      const [value, text] = nullable && n % 3 === 0 ? [null, null] : pair(type, n + i);
      row[name] = value;
      return text;
    });
    return { kept: { line_id: `edge ${String(n).padStart(3, '0')}`, row }, read };
  });
}

function pair(type: string, n: number): readonly [Value, string] {
  const pick = <T>(of: readonly T[]) => of[n % of.length]!;
  if (type === 'timestamp') return pick(TIMES);
  if (type === 'int') return [pick(INTS), String(pick(INTS))];
  if (type === 'string') return [pick(TEXTS), pick(TEXTS)];
  if (type === 'decimal(12,4)') return pick(DECIMALS);
  throw new Error(`edges of ${type} are not written down yet`);
}
