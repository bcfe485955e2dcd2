import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** How far a load is, by the ledger's own tables. */
export interface Ledger {
  /** Rows in batches that the API said yes to. */
  readonly accepted: number;
  /** Rows that have their outcome. */
  readonly cleaned: number;
}

const ACCEPTED = `
  select coalesce(sum(body ->> 'received'), 0) as n from batches
  where entry = 'head' and body ->> 'dataset' = 'transactions' and body ->> 'accepted_at' is not null`;
const CLEANED = `
  select coalesce(sum((body ->> 'kept') + (body ->> 'duplicate')
    + (select coalesce(sum(value), 0) from json_each(body, '$.rejected'))), 0) as n
  from batches
  where entry like 'chunk#%' and batch_id in
    (select batch_id from batches where entry = 'head' and body ->> 'dataset' = 'transactions')`;

/**
 * Looks into a data directory. Only for one whose server is there, be it frozen: a first reader after a crash would do
 * SQLite's recovery, which is the server's to do.
 */
export function lookInto(directory: string): Ledger {
  const file = join(directory, 'ecomflow.sqlite');
  if (!existsSync(file)) return { accepted: 0, cleaned: 0 };
  const sqlite = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  try {
    const n = (sql: string) => (sqlite.prepare(sql).get() as { n: number }).n;
    return { accepted: n(ACCEPTED), cleaned: n(CLEANED) };
  } finally {
    sqlite.close();
  }
}
