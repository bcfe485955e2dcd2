import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Column } from '../../domain/contract';
import { datasets } from '../../domain/dataset';
import type { InvoiceLine, InvoicePart } from '../../domain/invoice';
import type { Row, Value } from '../../domain/outcome';
import { type Item, number, text } from './attributes';

/*
 * An item of the Invoices table, small because every write pays for all of it:
 *   invoice_no, part   the key
 *   version            counts writes and guards them
 *   c                  chunks that brought lines, each id once
 *   s                  by column: the value that most lines have, if two or more have it
 *   l                  lines: i = line_id as 16 bytes; k = place in c, left out when 0; by column what is not as in s
 * A column is called by its place in the contract, in base 36: contracts grow at the end only. Null is left out, or
 * written as NULL where s has a value. Int and decimal are N, which keeps 38 digits and no zeros at the end, as our
 * decimals have none; text and timestamps are S.
 */
interface Field {
  readonly name: string;
  readonly key: string;
  readonly encode: (value: Value) => AttributeValue;
  readonly decode: (attribute: AttributeValue) => Value;
}

const NULL: AttributeValue = { NULL: true };

function fieldOf({ name, type }: Column, place: number): Field {
  const numeric = type === 'int' || type.startsWith('decimal');
  return {
    name,
    key: place.toString(36),
    encode: (value) => (value === null ? NULL : numeric ? { N: String(value) } : { S: String(value) }),
    decode: ({ S, N }) => (N === undefined ? (S ?? null) : type === 'int' ? Number(N) : N),
  };
}

/** Every column but the invoice's number, which is the key. */
function fieldsOf(columns: readonly Column[], by: string): readonly Field[] {
  return columns.map(fieldOf).filter(({ name }) => name !== by);
}

/** Writes and reads items of a table of invoice lines with these columns; `by` is the column that is the key. */
export function invoiceItems(columns: readonly Column[], by: string) {
  const fields = fieldsOf(columns, by);
  const names = columns.map(({ name }) => name);

  const encode = ({ invoice_no, part, version, lines }: InvoicePart): Item => {
    const chunks = [...new Set(lines.map(({ chunk_id }) => chunk_id))];
    const place = new Map(chunks.map((chunk_id, i) => [chunk_id, i]));
    const shared = fields.map(({ name }) => mostFrequent(lines.map(({ row }) => row[name] ?? null)));
    const s: Item = {};
    for (const [i, { key, encode }] of fields.entries()) if (shared[i] !== null) s[key] = encode(shared[i]!);

    const encodeLine = ({ line_id, chunk_id, row }: InvoiceLine): AttributeValue => {
      const M: Item = { i: { B: Buffer.from(line_id, 'hex') } };
      const k = place.get(chunk_id)!;
      if (k > 0) M.k = { N: String(k) };
      for (const [i, { name, key, encode }] of fields.entries()) {
        const value = row[name] ?? null;
        if (value !== shared[i]) M[key] = encode(value);
      }
      return { M };
    };

    return {
      invoice_no: { S: invoice_no },
      part: { N: String(part) },
      version: { N: String(version) },
      c: { L: chunks.map((S) => ({ S })) },
      s: { M: s },
      l: { L: lines.map(encodeLine) },
    };
  };

  const decode = (stored: Item): InvoicePart => {
    const invoice_no = text(stored.invoice_no)!;
    const chunks = stored.c?.L?.map((chunk) => text(chunk)!) ?? [];
    const shared = stored.s?.M ?? {};
    const decodeLine = ({ M = {} }: AttributeValue): InvoiceLine => {
      const row: Record<string, Value> = Object.fromEntries(
        names.map((name) => [name, name === by ? invoice_no : null]),
      );
      for (const { name, key, decode } of fields) {
        const attribute = M[key] ?? shared[key];
        if (attribute) row[name] = decode(attribute);
      }
      const line_id = Buffer.from(M.i?.B ?? []).toString('hex');
      return { line_id, row: row as Row, chunk_id: chunks[M.k ? number(M.k) : 0]! };
    };
    return {
      invoice_no,
      part: number(stored.part),
      version: number(stored.version),
      lines: stored.l?.L?.map(decodeLine) ?? [],
    };
  };

  return { encode, decode };
}

/** The items of the data set whose contract claims. */
export function claimedItems() {
  for (const { contract } of datasets.values()) {
    if (contract.claim) return invoiceItems(contract.columns, contract.claim.by);
  }
  throw new Error('no contract claims: there are no invoices');
}

/** The value that occurs most, the first of equals; null when none but null occurs twice. */
function mostFrequent(values: readonly Value[]): Value {
  const counts = new Map<Value, number>();
  let best: Value = null;
  let most = 1;
  for (const value of values) {
    if (value === null) continue;
    const count = (counts.get(value) ?? 0) + 1;
    counts.set(value, count);
    if (count > most) {
      best = value;
      most = count;
    }
  }
  return best;
}
