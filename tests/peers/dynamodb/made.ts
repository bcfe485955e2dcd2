import { datasets } from '../../../shared/domain/dataset';
import type { InvoicePart } from '../../../shared/domain/invoice';
import type { BatchHead } from '../../../shared/domain/ledger';
import type { KeptRow, Row } from '../../../shared/domain/outcome';
import type { CustomerInvoice } from '../../../shared/pipeline/ports';
import { longText, sale } from '../../support/rows';

const transactions = datasets.get('transactions')!;
const COLUMNS = transactions.contract.columns.map(({ name }) => name);

/** The invoice that a row is of. */
export const invoiceOf = (row: Row) => String(row.invoice_no);

/** Those of these rows of CSV that the contract accepts. */
export function kept(rows: readonly string[]): KeptRow[] {
  const clean = transactions.cleaner('csv', COLUMNS);
  return rows
    .map((row) => clean(row))
    .filter((verdict) => verdict.kind === 'kept')
    .map(({ line_id, row }) => ({ line_id, row }));
}

/** A ledger head with chunks of 10 rows. */
export function headOf(batch_id: string, chunks = 1): BatchHead {
  return {
    batch_id,
    dataset: 'transactions',
    contract_version: 1,
    format: 'csv',
    columns: COLUMNS,
    received: chunks * 10,
    slices: Array.from({ length: chunks }, (_, i) => ({
      start: i * 500,
      end: i * 500 + 500,
      first_line: 2 + i * 10,
      rows: 10,
    })),
    received_at: '2026-03-01T12:00:00.000Z',
    sent_by: 'someone',
  };
}

/** A part of an invoice. */
export const partOf = (
  invoice_no: string,
  part: number,
  version: number,
  lines: InvoicePart['lines'],
): InvoicePart => ({
  invoice_no,
  part,
  version,
  lines,
});

/** Lines of 4,000 characters. */
export const linesOf = (invoice: string, part: number, lines: number): InvoicePart['lines'] =>
  kept(
    Array.from({ length: lines }, (_, i) =>
      sale({ invoice, stock: `${part}-${i}`, description: longText(`${invoice} ${part} ${i} `) }),
    ),
  ).map((line) => ({ ...line, chunk_id: `${'ef'.repeat(16)}-${part}-0123456789ab` }));

/** A customer on an invoice. */
export const customerOn = (customer_id: string, invoice_no: string): CustomerInvoice => ({
  customer_id,
  invoice_no,
  invoice_date: '2010-12-01T08:26:00Z',
  country: 'France',
});
