import type { Invoices } from '../../../shared/pipeline/ports';

/** The same Invoices whose first writes wait until every writer has read. */
export function together(all: readonly Invoices[]): Invoices[] {
  let reading = all.length;
  let go: () => void;
  const everyoneHasRead = new Promise<void>((done) => {
    go = done;
  });
  return all.map(({ read, write }) => ({
    async read(invoice_nos) {
      const found = await read(invoice_nos);
      if (--reading === 0) go();
      await everyoneHasRead;
      return found;
    },
    write,
  }));
}
