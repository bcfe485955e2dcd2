import type { RejectedRow } from '../domain/clean';
import { decimalShape } from '../domain/contract';
import type { Transaction } from '../domain/contracts/types';
import { decodeCursor, encodeCursor } from '../domain/cursor';
import { datasets } from '../domain/dataset';
import { type Batch, balanceOf, fileBalance } from '../domain/ledger';
import { METERS } from '../domain/meters';
import { exactTotal } from '../domain/money';
import { rejectedTotal } from '../domain/outcome';
import { Problem } from '../domain/problem';
import { AnswerRoom, List } from './pages';
import type { Ports } from './ports';

/** What a question is asked with: names from the path, the page from the query. */
export interface Question {
  readonly resource: string;
  readonly path: Readonly<Record<string, string>>;
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}

/** How many rows a page has when nothing is said, and at most. */
const PAGE = { usual: 100, most: 1000 };
/** A refused row is shown with so much of its text; all of it is in the lake. */
const SHOWN_TEXT = 16_384;

/** What was received in a batch and what became of it. @throws Problem not_found */
export async function batch({ path }: Question, { batches }: Pick<Ports, 'batches'>) {
  const found = await knownBatch(path.batch_id!, batches);
  const { head, entries } = found;
  return {
    batch_id: head.batch_id,
    dataset: head.dataset,
    contract_version: head.contract_version,
    ...balanceOf(found),
    chunks: {
      total: head.slices.length,
      cleaned: entries.length,
      revised: entries.filter(({ revision }) => revision > 0).length,
    },
    received_at: head.received_at,
    accepted_at: head.accepted_at ?? null,
    sent_by: head.sent_by,
    file: head.file ?? null,
    origin: head.origin ?? null,
  };
}

/** The refused rows of a batch, in its order, as they came. @throws Problem not_found, invalid_cursor */
export async function rejectedRows(question: Question, { batches, rejects }: Pick<Ports, 'batches' | 'rejects'>) {
  const { head, entries } = await knownBatch(question.path.batch_id!, batches);
  const limit = pageSize(question);
  const from = placeOf(question, isRowPlace) ?? { chunk: 1, row: 0 };
  const rows: ShownRow[] = [];
  const room = new AnswerRoom();
  for (const entry of entries) {
    if (entry.number < from.chunk || rejectedTotal(entry) === 0) continue;
    const refused = await rejects.read(head, entry.chunk_id);
    for (let row = entry.number === from.chunk ? from.row : 0; row < refused.length; row++) {
      const shown = cutShort(refused[row]!);
      if (rows.length === limit || !room.take(shown)) {
        const next_cursor = encodeCursor(question.resource, { chunk: entry.number, row });
        return { batch_id: head.batch_id, rows, next_cursor };
      }
      rows.push(shown);
    }
  }
  return { batch_id: head.batch_id, rows, next_cursor: null };
}

interface ShownRow extends Omit<RejectedRow, 'cleaned'> {
  readonly truncated?: true;
}

const cutShort = ({ cleaned: _, ...row }: RejectedRow): ShownRow =>
  row.text.length <= SHOWN_TEXT ? row : { ...row, text: row.text.slice(0, SHOWN_TEXT), truncated: true };

/** The sum over the parts of a file that have come. @throws Problem not_found */
export async function file({ path }: Question, { files }: Pick<Ports, 'files'>) {
  const hash = path.hash!;
  const found = /^[0-9a-f]{64}$/.test(hash) ? await files.batches(hash) : [];
  const first = found[0]?.head;
  if (!first) {
    throw new Problem(
      'not_found',
      'No part of this file has come. A file is named by the SHA-256 of its decompressed bytes.',
    );
  }
  return { file: hash, dataset: first.dataset, ...fileBalance(found) };
}

/** An invoice with its lines. @throws Problem not_found, invalid_cursor */
export async function invoice(question: Question, { invoices }: Pick<Ports, 'invoices'>) {
  const lines = await linesOf(question.path.invoice_no!, invoices);
  const { rows, next_cursor } = pageOf(lines, question);
  const { invoice_no, invoice_date, customer_id, country } = lines[0]!;
  return {
    invoice_no,
    invoice_date,
    customer_id,
    country,
    line_count: lines.length,
    total: totalOf(lines),
    lines: rows,
    next_cursor,
  };
}

/** The lines of an invoice with one stock code: there may be several. @throws Problem not_found, invalid_cursor */
export async function invoiceItems(question: Question, { invoices }: Pick<Ports, 'invoices'>): Promise<List> {
  const { invoice_no, stock_code } = question.path;
  const lines = (await linesOf(invoice_no!, invoices)).filter((line) => line.stock_code === stock_code);
  if (lines.length === 0) throw new Problem('not_found', 'The invoice has no line with this stock code.');
  const { rows, next_cursor } = pageOf(lines, question);
  return new List(rows, next_cursor);
}

/** A customer, with their profile as the last build of the insights made it, and the first of their invoices. @throws Problem not_found */
export async function customer(question: Question, ports: Pick<Ports, 'customers' | 'profiles'>) {
  const page = await customerInvoices(question, ports);
  return {
    customer_id: page.customer_id,
    country: page.invoices[0]!.country,
    profile: (await ports.profiles.find(page.customer_id)) ?? null,
    invoices: page.invoices,
    next_cursor: page.next_cursor,
  };
}

/** A customer's invoices by number. @throws Problem not_found, invalid_cursor */
export async function customerInvoices(question: Question, { customers }: Pick<Ports, 'customers'>) {
  const customer_id = question.path.customer_id!;
  const limit = pageSize(question);
  const after = placeOf(question, isText);
  const found = await customers.invoices(customer_id, { limit: limit + 1, ...(after !== undefined && { after }) });
  if (found.length === 0) throw new Problem('not_found', 'There is no invoice of this customer.');
  const invoices = found
    .slice(0, limit)
    .map(({ invoice_no, invoice_date, country }) => ({ invoice_no, invoice_date, country }));
  const next_cursor = found.length > limit ? encodeCursor(question.resource, invoices.at(-1)!.invoice_no) : null;
  return { customer_id, invoices, next_cursor };
}

/** What was measured, meter by meter and data set by data set. @throws Problem not_found where CloudWatch has it */
export async function metrics(_: Question, { telemetry }: Pick<Ports, 'telemetry'>) {
  const measured = await telemetry.read();
  if (measured) return { meters: measured.map(({ meter, ...values }) => ({ meter, ...METERS[meter], ...values })) };
  throw new Problem(
    'not_found',
    "The numbers of this stage are in CloudWatch: namespace ecomflow, on the dashboard that has the stack's name.",
  );
}

/** Longer than any id of a contract is, and within what a table's key may have. */
const MOST_ID = 256;
const isId = (text: string): boolean => text !== '' && text.length <= MOST_ID;

async function knownBatch(batch_id: string, batches: Ports['batches']): Promise<Batch> {
  const found = /^[0-9a-f]{32}$/.test(batch_id) ? await batches.find(batch_id) : undefined;
  if (!found) throw new Problem('not_found', 'There is no such batch.');
  return found;
}

/** The lines of an invoice as rows with their identity, in the order in which they came. */
async function linesOf(invoice_no: string, invoices: Ports['invoices']): Promise<Line[]> {
  const parts = isId(invoice_no) ? ((await invoices.read([invoice_no])).get(invoice_no) ?? []) : [];
  const lines = parts.flatMap((part) => part.lines.map(({ line_id, row }) => ({ line_id, ...row })));
  if (lines.length === 0) throw new Problem('not_found', 'There is no such invoice.');
  return lines as unknown as Line[]; // the transactions contract is what claims invoices
}

type Line = Transaction & { readonly line_id: string };

const { contract } = datasets.get('transactions')!;
const { scale: PRICE_SCALE } = decimalShape(contract.columns.find(({ name }) => name === 'unit_price')!.type);

const totalOf = (lines: readonly Line[]): string =>
  exactTotal(
    lines.map(({ quantity, unit_price }) => ({ quantity, price: unit_price })),
    PRICE_SCALE,
  );

function pageOf<T>(all: readonly T[], question: Question): { rows: readonly T[]; next_cursor: string | null } {
  const limit = pageSize(question, PAGE.most);
  const from = placeOf(question, isCount) ?? 0;
  const room = new AnswerRoom();
  let end = from;
  while (end < all.length && end < from + limit && room.take(all[end])) end++;
  return { rows: all.slice(from, end), next_cursor: end < all.length ? encodeCursor(question.resource, end) : null };
}

function pageSize({ limit }: Question, usual = PAGE.usual): number {
  if (limit === undefined) return usual;
  const n = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (n < 1 || n > PAGE.most) {
    throw new Problem('invalid_parameter', `limit is a number from 1 to ${PAGE.most}.`, { parameter: 'limit' });
  }
  return n;
}

function placeOf<T>({ cursor, resource }: Question, isPlace: (place: unknown) => place is T): T | undefined {
  return cursor === undefined ? undefined : decodeCursor(resource, cursor, isPlace);
}

const isText = (place: unknown): place is string => typeof place === 'string' && isId(place);
const isCount = (place: unknown): place is number => Number.isInteger(place) && (place as number) >= 0;
const isRowPlace = (place: unknown): place is { chunk: number; row: number } => {
  const { chunk, row } = (place ?? {}) as { chunk?: unknown; row?: unknown };
  return isCount(chunk) && isCount(row);
};
