import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Unavailable } from '../../pipeline/ports';

/** Counts changes of the tables below. A directory of another number is refused: it may hold what we do not understand. */
const SCHEMA = 1;

const TABLES = `
  create table stream (sequence integer primary key autoincrement, partition_key text not null, arrived_at integer not null, data blob not null);
  create table checkpoints (consumer text primary key, sequence integer not null);
  create table batches (batch_id text not null, entry text not null, body text not null, primary key (batch_id, entry)) without rowid;
  create table invoices (invoice_no text not null, part integer not null, version integer not null, lines text not null, primary key (invoice_no, part)) without rowid;
  create table customers (customer_id text not null, invoice_no text not null, invoice_date text not null, country text not null, primary key (customer_id, invoice_no)) without rowid;
`;

/** Tables that came later and change nothing of the others: a directory of this schema gets them when it is opened. */
const ADDED = `
  create table if not exists meters (meter text not null, dataset text not null, count integer not null, sum real not null, max real not null, last real not null, last_at text not null, primary key (meter, dataset)) without rowid;
  create table if not exists watch (batch_id text primary key, received_at text not null, mark integer not null, untold integer not null, told text) without rowid;
  create index if not exists untold on watch (received_at) where untold = 1;
  create table if not exists live_pieces (dataset text not null, minute text not null, chunk_id text not null, figures blob not null, primary key (dataset, minute, chunk_id)) without rowid;
  create table if not exists live_sums (dataset text not null, within text not null, at text not null, mark integer not null, kept integer, figures blob, primary key (dataset, within, at)) without rowid;
  create table if not exists orders (id integer primary key autoincrement, body text not null);
  create table if not exists incidents (id text primary key, about text not null, state text not null, quiet_until text, body text not null);
  create index if not exists quiet on incidents (about, quiet_until);
`;

/** A data directory that this process cannot use; the message is meant for its owner. */
export class DirectoryRefused extends Error {
  override readonly name = 'DirectoryRefused';
}

/** The embedded log and tables: one SQLite file. Several processes may open it. */
export class Database {
  private readonly sqlite: DatabaseSync;
  private readonly statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  /** Opens, and at the first time makes, the tables of a data directory. @throws DirectoryRefused */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.sqlite = new DatabaseSync(join(directory, 'ecomflow.sqlite'), { timeout: 10_000 });
    this.sqlite.exec('pragma journal_mode = wal; pragma synchronous = normal;');
    try {
      this.transaction(() => this.prepareTables(directory));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private prepareTables(directory: string): void {
    const { user_version: found } = this.sqlite.prepare('pragma user_version').get() as { user_version: number };
    if (found === 0) this.sqlite.exec(`${TABLES} pragma user_version = ${SCHEMA};`);
    else if (found !== SCHEMA) {
      throw new DirectoryRefused(
        `${directory} was written by another version of ecomflow (its schema is ${found}, this one's is ${SCHEMA}). ` +
          'Use that version, or give another directory with --dir.',
      );
    }
    this.sqlite.exec(ADDED);
  }

  /** Rows of a query. */
  all<T>(sql: string, ...values: SqlValue[]): T[] {
    return this.guard(() => this.statement(sql).all(...values) as T[]);
  }

  /** The first row of a query. */
  get<T>(sql: string, ...values: SqlValue[]): T | undefined {
    return this.guard(() => this.statement(sql).get(...values) as T | undefined);
  }

  /** How many rows a statement changed. */
  run(sql: string, ...values: SqlValue[]): number {
    return this.guard(() => Number(this.statement(sql).run(...values).changes));
  }

  /** All of `work` or nothing of it; one at a time over all processes. */
  transaction<T>(work: () => T): T {
    return this.guard(() => {
      this.sqlite.exec('begin immediate');
      try {
        const result = work();
        this.sqlite.exec('commit');
        return result;
      } catch (error) {
        if (this.sqlite.isTransaction) this.sqlite.exec('rollback');
        throw error;
      }
    });
  }

  close(): void {
    this.statements.clear();
    this.sqlite.close();
  }

  private statement(sql: string) {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.sqlite.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  /** A full disk or a long lock is the world's fault and passes. */
  private guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') throw error;
      throw new Unavailable('the embedded store does not answer', { cause: error });
    }
  }
}

type SqlValue = string | number | bigint | null | Uint8Array;

/**
 * Makes this process the directory's only owner until it ends, however it ends: the lock is SQLite's, which the
 * system lifts with the process. @throws DirectoryRefused when another process has it
 */
export function lockDirectory(directory: string): { release(): void } {
  mkdirSync(directory, { recursive: true });
  const owner = join(directory, 'owner');
  const lock = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 });
  try {
    lock.exec('pragma locking_mode = exclusive; begin exclusive;');
  } catch (cause) {
    lock.close();
    const pid = readOwner(owner);
    throw new DirectoryRefused(
      `${directory} is in use by another ecomflow${pid && ` (process ${pid})`}. Stop it, or give another directory with --dir.`,
      { cause },
    );
  }
  writeFileSync(owner, String(process.pid));
  return { release: () => lock.close() };
}

function readOwner(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''; // locked a moment ago, not yet signed
    throw error;
  }
}
