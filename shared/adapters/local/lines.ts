import type { InvoicePart } from '../../domain/invoice';
import type { InvoiceLines } from '../../pipeline/ports';
import type { Database } from './database';

/** Parts that are in memory at a time. */
const PAGE = 500;

/** The embedded invoices from end to end, in the order of their numbers. */
export const linesIn = (database: Database): InvoiceLines => ({
  async *all() {
    for (let [invoice_no, part] = ['', -1]; ; ) {
      const page = database.all<Omit<InvoicePart, 'lines'> & { readonly lines: string }>(
        `select invoice_no, part, version, lines from invoices where (invoice_no, part) > (?, ?)
         order by invoice_no, part limit ${PAGE}`,
        invoice_no,
        part,
      );
      for (const { lines, ...place } of page) {
        ({ invoice_no, part } = place);
        yield { ...place, lines: JSON.parse(lines) };
      }
      if (page.length < PAGE) return;
    }
  },
});
