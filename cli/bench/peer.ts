import { hash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import type { Slice } from './input';

/*
 * The transactions contract as one would write it with csv-parse and zod: types, defaults, rules in order, canonical
 * values. It neither keeps a refused row's text nor its line, which the core does.
 */
const NOT_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff]/u;
const text = (longest: number) =>
  z
    .string()
    .trim()
    .max(longest)
    .refine((value) => !NOT_TEXT.test(value));
const required = (longest: number) => text(longest).min(1);

const INT = /^[+-]?\d{1,18}(\.0+)?$/;
const DECIMAL = /^([+-]?)0*(\d{0,8})(?:\.(\d{0,4})0*)?$/;
const TIMES = [
  { pattern: /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2})$/, order: [3, 1, 2, 4, 5, 6] },
  { pattern: /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})Z?$/, order: [1, 2, 3, 4, 5, 6] },
] as const;

function time(value: string): string | undefined {
  for (const { pattern, order } of TIMES) {
    const match = pattern.exec(value);
    if (!match) continue;
    const [year, month, day, hour, minute, second] = order.map((at) => Number(match[at] ?? 0)) as [
      ...[number, number, number],
      ...[number, number, number],
    ];
    const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
    if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59) return undefined;
    return `${date.toISOString().slice(0, 19)}Z`;
  }
  return undefined;
}

function decimal(value: string): string | undefined {
  const match = DECIMAL.exec(value);
  if (!match || (!match[2] && !match[3] && !/\d/.test(value))) return undefined;
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  const number = `${match[2] || '0'}${fraction && `.${fraction}`}`;
  return match[1] === '-' && number !== '0' ? `-${number}` : number;
}

/** A transform that refuses what its function has no answer for. */
const parsed = (read: (value: string) => string | undefined) =>
  z
    .string()
    .trim()
    .min(1)
    .transform((value, context) => {
      const result = read(value);
      if (result !== undefined) return result;
      context.issues.push({ code: 'custom', message: 'unparseable', input: value });
      return z.NEVER;
    });

const schema = z
  .object({
    invoice_no: required(32),
    stock_code: required(64),
    description: text(4000).transform((value) => (value === '' ? null : value)),
    quantity: z.string().trim().regex(INT).transform(Number).pipe(z.int32()),
    invoice_date: parsed(time),
    unit_price: parsed(decimal),
    customer_id: text(64).transform((value) => (value === '' ? 'Unknown' : value.replace(/^(\d+)\.0+$/, '$1'))),
    country: required(64),
  })
  .superRefine((row, context) => {
    const reason = refusal(row.invoice_no, row.quantity, row.unit_price);
    if (reason !== undefined) context.addIssue({ code: 'custom', message: reason, params: { rule: true } });
  });

function refusal(invoice: string, quantity: number, price: string): string | undefined {
  if (invoice.slice(0, 1).toUpperCase() === 'C') return 'cancellation';
  if (invoice.slice(0, 1).toUpperCase() === 'A') return 'bad_debt';
  if (quantity <= 0) return 'non_positive_quantity';
  return Number(price) <= 0 ? 'non_positive_price' : undefined;
}

/** How many rows ended how; the same for every subject that does the same work. */
export interface Tally {
  accepted: number;
  repeated: number;
  rejected: Record<string, number>;
}

/** csv-parse and a zod schema for each row, with or without the identity. */
export function csvParseAndZod(slices: readonly Slice[], columns: string[], identity: boolean): Tally {
  const tally: Tally = { accepted: 0, repeated: 0, rejected: {} };
  for (const slice of slices) {
    const seen = new Set<string>();
    const rows = parse(slice.text, { columns, relax_column_count: true }) as Record<string, string>[];
    for (const row of rows) {
      const result = schema.safeParse(row);
      if (!result.success) {
        const [issue] = result.error.issues;
        const rule = issue?.code === 'custom' && issue.params?.rule === true;
        const missing = (row[String(issue?.path[0])] ?? '').trim() === '';
        const reason = rule ? issue.message : missing ? 'missing' : 'unparseable';
        tally.rejected[reason] = (tally.rejected[reason] ?? 0) + 1;
        continue;
      }
      if (identity) {
        const id = hash('sha256', Object.values(result.data).join('\u001f')).slice(0, 32);
        if (seen.has(id)) {
          tally.repeated++;
          continue;
        }
        seen.add(id);
      }
      tally.accepted++;
    }
  }
  return tally;
}
