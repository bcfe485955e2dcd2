import type { InvoicePart } from '../../domain/invoice';
import {
  type Batch,
  type BatchHead,
  type ChunkEntry,
  chunkEntryKey,
  failureEntryKey,
  fileKey,
  HEAD_ENTRY,
  isEntry,
  partEntryKey,
} from '../../domain/ledger';
import type { Batches, ChunkLedger, CustomerInvoice, Customers, Files, Invoices } from '../../pipeline/ports';
import type { Database } from './database';
import { makeUntold } from './watch';

/** Heads, chunk entries and the parts of files, keyed as in the Batches table. */
export class Ledger implements Batches {
  constructor(private readonly database: Database) {}

  async open(head: BatchHead): Promise<BatchHead> {
    return this.database.transaction(() => {
      const known = this.read(head.batch_id, HEAD_ENTRY) as BatchHead | undefined;
      if (known) return known;
      this.put(head.batch_id, HEAD_ENTRY, head);
      makeUntold(this.database, head.batch_id, head.received_at);
      return head;
    });
  }

  async accept(batch_id: string, accepted_at: string): Promise<void> {
    this.database.run(
      `update batches set body = json_set(body, '$.accepted_at', ?)
       where batch_id = ? and entry = '${HEAD_ENTRY}' and json_extract(body, '$.accepted_at') is null`,
      accepted_at,
      batch_id,
    );
  }

  async find(batch_id: string): Promise<Batch | undefined> {
    const rows = this.database.all<{ entry: string; body: string }>(
      'select entry, body from batches where batch_id = ? order by entry',
      batch_id,
    );
    const head = rows.find(({ entry }) => entry === HEAD_ENTRY);
    if (!head) return undefined;
    const of = (kind: 'chunk' | 'failed') =>
      rows.filter(({ entry }) => isEntry(kind, entry)).map(({ body }) => JSON.parse(body));
    return { head: JSON.parse(head.body), entries: of('chunk'), failures: of('failed') };
  }

  /** The entries of chunks, as the port has them. */
  readonly chunks: ChunkLedger = {
    find: async (batch_id, number) => this.read(batch_id, chunkEntryKey(number)) as ChunkEntry | undefined,
    record: async (entry) =>
      this.database.transaction(() => this.putOnce(entry.batch_id, chunkEntryKey(entry.number), entry)),
    revise: async (entry) =>
      this.database.transaction(() => {
        const key = chunkEntryKey(entry.number);
        const stored = this.read(entry.batch_id, key) as ChunkEntry | undefined;
        if (!stored) throw new Error(`chunk ${entry.chunk_id} has no entry to be revised`);
        if (stored.revision !== entry.revision - 1) return stored;
        this.database.run(
          'update batches set body = ? where batch_id = ? and entry = ?',
          JSON.stringify(entry),
          entry.batch_id,
          key,
        );
        return entry;
      }),
    fail: async (failure) =>
      this.database.transaction(() => void this.putOnce(failure.batch_id, failureEntryKey(failure.number), failure)),
  };

  /** Files by hash, as the port has them. */
  readonly files: Files = {
    claim: async ({ hash, part, parts }, batch_id) =>
      this.database.transaction(() => this.putOnce(fileKey(hash), partEntryKey(part), { batch_id, parts })),
    batches: async (hash) => {
      const parts = this.database.all<{ body: string }>(
        'select body from batches where batch_id = ? order by entry',
        fileKey(hash),
      );
      const found = await Promise.all(
        parts.map(({ body }) => this.find((JSON.parse(body) as { batch_id: string }).batch_id)),
      );
      return found.filter((batch) => batch !== undefined);
    },
  };

  private read(batch_id: string, entry: string): unknown {
    const row = this.database.get<{ body: string }>(
      'select body from batches where batch_id = ? and entry = ?',
      batch_id,
      entry,
    );
    return row && JSON.parse(row.body);
  }

  private put(batch_id: string, entry: string, body: unknown): void {
    this.database.run(
      'insert into batches (batch_id, entry, body) values (?, ?, ?)',
      batch_id,
      entry,
      JSON.stringify(body),
    );
  }

  private putOnce<T>(batch_id: string, entry: string, body: T): T {
    const stored = this.read(batch_id, entry);
    if (stored === undefined) this.put(batch_id, entry, body);
    return (stored as T | undefined) ?? body;
  }
}

/** Invoices by number and part; versions guard writes as conditional puts do. */
export class InvoiceTable implements Invoices {
  constructor(private readonly database: Database) {}

  async read(invoice_nos: readonly string[]): Promise<Map<string, InvoicePart[]>> {
    const found = new Map<string, InvoicePart[]>();
    for (const invoice_no of invoice_nos) {
      const rows = this.database.all<{ part: number; version: number; lines: string }>(
        'select part, version, lines from invoices where invoice_no = ? order by part',
        invoice_no,
      );
      found.set(
        invoice_no,
        rows.map(({ part, version, lines }) => ({ invoice_no, part, version, lines: JSON.parse(lines) })),
      );
    }
    return found;
  }

  async write(parts: readonly InvoicePart[]): Promise<string[]> {
    const conflicts = new Set<string>();
    this.database.transaction(() => {
      for (const part of parts)
        if (!conflicts.has(part.invoice_no) && !this.writePart(part)) conflicts.add(part.invoice_no);
    });
    return [...conflicts];
  }

  private writePart({ invoice_no, part, version, lines }: InvoicePart): boolean {
    const body = JSON.stringify(lines);
    const changed =
      version === 1
        ? this.database.run(
            'insert or ignore into invoices (invoice_no, part, version, lines) values (?, ?, 1, ?)',
            invoice_no,
            part,
            body,
          )
        : this.database.run(
            'update invoices set version = ?, lines = ? where invoice_no = ? and part = ? and version = ?',
            version,
            body,
            invoice_no,
            part,
            version - 1,
          );
    return changed === 1;
  }
}

export class CustomerTable implements Customers {
  constructor(private readonly database: Database) {}

  async put(entries: readonly CustomerInvoice[]): Promise<void> {
    this.database.transaction(() => {
      for (const { customer_id, invoice_no, invoice_date, country } of entries) {
        this.database.run(
          'insert or replace into customers values (?, ?, ?, ?)',
          customer_id,
          invoice_no,
          invoice_date,
          country,
        );
      }
    });
  }

  async invoices(
    customer_id: string,
    { limit, after }: Parameters<Customers['invoices']>[1],
  ): Promise<CustomerInvoice[]> {
    const rows = this.database.all<CustomerInvoice>(
      'select * from customers where customer_id = ? and invoice_no > ? order by invoice_no limit ?',
      customer_id,
      after ?? '',
      limit,
    );
    return rows.map((row) => ({ ...row }));
  }
}
