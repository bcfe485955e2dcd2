import { createReadStream, createWriteStream, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { filesIn, rawChunks } from './raw';

/** The columns by which rows are compared, all of them. */
const COLUMNS = 'invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country';

/** The file's rows by the line that they begin in, with what must become of them, by SQL that has the rules of the design and nothing of ours. */
const SOURCE = (csv: string) => `
  create table source as
  select *, case
    when upper(invoice_no) like 'C%' then 'cancellation'
    when upper(invoice_no) like 'A%' then 'bad_debt'
    when quantity <= 0 then 'non_positive_quantity'
    when unit_price <= 0 then 'non_positive_price'
    else 'accepted' end as outcome
  from (
    select n + 1 + coalesce(sum(breaks) over (order by n rows between unbounded preceding and 1 preceding), 0)::integer as line, trim(InvoiceNo) as invoice_no, trim(StockCode) as stock_code,
      coalesce(trim(Description), '') as description, cast(Quantity as integer) as quantity,
      coalesce(try_strptime(trim(InvoiceDate), '%-m/%-d/%Y %-H:%M'), strptime(trim(InvoiceDate), '%Y-%m-%d %H:%M:%S')) as invoice_date,
      cast(UnitPrice as decimal(12,4)) as unit_price, coalesce(trim(CustomerID), 'Unknown') as customer_id, trim(Country) as country
    from (
      select *, row_number() over () as n, len(Description) - len(replace(Description, chr(10), '')) as breaks
      from read_csv('${csv}', all_varchar = true, header = true, quote = '"', escape = '"')));
  create table accepted as select distinct ${COLUMNS} from source where outcome = 'accepted';`;

const ROW = `struct(invoice_no varchar, stock_code varchar, description varchar, quantity integer, invoice_date timestamp,
  unit_price decimal(12,4), customer_id varchar, country varchar)`;

/** The tables of a data directory, beside the file's. */
const STORED = (directory: string, dump: string) => `
  create table stored as
  select * replace (coalesce(description, '') as description) from (
    select line.line_id, unnest(line.row) from (
      select unnest(lines) as line from read_json('${dump}', format = 'newline_delimited',
        columns = {lines: 'struct(line_id varchar, row ${ROW})[]'})));
  create table landing as
  select line_id, invoice_no, stock_code, coalesce(description, '') as description, quantity,
    invoice_date::timestamp as invoice_date, unit_price, customer_id, country
  from read_parquet('${directory}/landing/transactions/**/*.parquet');
  create table refused as
  select batch_id, line, reason from read_json('${directory}/rejected/transactions/**/*.ndjson.gz',
    columns = {batch_id: 'varchar', line: 'integer', reason: 'varchar'}, format = 'newline_delimited');`;

/** How many rows a CSV has, by DuckDB. */
export async function countRows(csv: string): Promise<number> {
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  const rows = await duckdb.runAndReadAll(`select count(*)::integer from read_csv('${csv}', all_varchar = true)`);
  duckdb.closeSync();
  return rows.getRows()[0]![0] as number;
}

/** The invoices table as lines of JSON, an item each. */
function* itemsOf(sqlite: DatabaseSync): Generator<string> {
  for (const { lines } of sqlite.prepare('select lines from invoices').iterate()) yield `{"lines":${lines}}\n`;
}

/** What a check found, and what must be there instead if it differs. */
export interface Finding {
  readonly found: unknown;
  readonly expected: unknown;
}

/**
 * Looks at what a data directory holds once its server has stopped, with DuckDB and SQLite over its files, against the
 * CSV that was sent into it. The directory holds no other rows of transactions.
 */
export class Audit {
  private constructor(
    private readonly csv: string,
    private readonly directory: string,
    private readonly duckdb: DuckDBConnection,
    private readonly sqlite: DatabaseSync,
  ) {}

  static async open(csv: string, directory: string): Promise<Audit> {
    const duckdb = await (await DuckDBInstance.create(':memory:')).connect();
    const sqlite = new DatabaseSync(join(directory, 'ecomflow.sqlite'), { readOnly: true });
    const dump = join(directory, 'audit-lines.ndjson');
    await pipeline(Readable.from(itemsOf(sqlite)), createWriteStream(dump));
    try {
      await duckdb.run(`set timezone = 'UTC'; ${SOURCE(csv)} ${STORED(directory, dump)}`);
    } finally {
      rmSync(dump);
    }
    return new Audit(csv, directory, duckdb, sqlite);
  }

  close(): void {
    this.duckdb.closeSync();
    this.sqlite.close();
  }

  /** Rows of the file, and what must become of them. */
  async counts() {
    const outcomes = await this.rows<{ outcome: string; n: number }>(
      'select outcome, count(*)::integer as n from source group by outcome order by outcome',
    );
    const [distinct] = await this.rows<{ n: number }>('select count(*)::integer as n from accepted');
    const accepted = outcomes.find(({ outcome }) => outcome === 'accepted')?.n ?? 0;
    return {
      received: outcomes.reduce((sum, { n }) => sum + n, 0),
      kept: distinct!.n,
      duplicate: accepted - distinct!.n,
      rejected: Object.fromEntries(outcomes.filter((o) => o.outcome !== 'accepted').map((o) => [o.outcome, o.n])),
    };
  }

  /** The ledger, summed up by SQLite. */
  async ledger(): Promise<Finding> {
    const heads = `batches where entry = 'head' and body ->> 'dataset' = 'transactions'`;
    const entries = `batches as c where c.entry like 'chunk#%' and exists (select * from ${heads} and batches.batch_id = c.batch_id)`;
    const found = {
      received: this.number(`select sum(body ->> 'received') from ${heads}`),
      kept: this.number(`select sum(c.body ->> 'kept') from ${entries}`),
      duplicate: this.number(`select sum(c.body ->> 'duplicate') from ${entries}`),
      rejected: Object.fromEntries(
        (
          this.sqlite
            .prepare(
              `select r.key, sum(r.value) as n from ${entries.replace('as c', "as c, json_each(c.body, '$.rejected') as r")} group by r.key`,
            )
            .all() as { key: string; n: number }[]
        ).map(({ key, n }) => [key, n]),
      ),
      failed: this.number(`select count(*) from batches where entry like 'failed#%'`),
      open: this.number(`select count(*) from ${heads} and body ->> 'accepted_at' is null`),
      unbalanced: this.number(`
        select count(*) from (select batch_id, body ->> 'received' as received, json_array_length(body, '$.slices') as chunks from ${heads}) as h
        where (h.chunks, h.received) is not (
          select count(*), sum((body ->> 'kept') + (body ->> 'duplicate') + (select coalesce(sum(value), 0) from json_each(body, '$.rejected')))
          from batches where batch_id = h.batch_id and entry like 'chunk#%')`),
    };
    return { found, expected: { ...(await this.counts()), failed: 0, open: 0, unbalanced: 0 } };
  }

  /** Lines of the invoices table against the distinct accepted rows of the file. */
  invoices(): Promise<Finding> {
    return this.sameRows('stored');
  }

  /** Rows of the Parquet files in landing against the same. */
  landing(): Promise<Finding> {
    return this.sameRows('landing');
  }

  /** By identity, the table and landing against each other. */
  async identities(): Promise<Finding> {
    const [found] = await this.rows<object>(`select
      (select count(*) from (select line_id from stored except select line_id from landing))::integer as only_in_invoices,
      (select count(*) from (select line_id from landing except select line_id from stored))::integer as only_in_landing`);
    return { found, expected: { only_in_invoices: 0, only_in_landing: 0 } };
  }

  /** Refused rows, by their line in the file. */
  async refused(): Promise<Finding> {
    const [found] = await this.rows<object>(`select
      count(*)::integer as rows, (count(*) - count(distinct (batch_id, line)))::integer as twice,
      (select count(*) from (select line, outcome from source where outcome <> 'accepted' except select line, reason from refused))::integer as missing,
      (select count(*) from (select line, reason from refused except select line, outcome from source))::integer as foreign
      from refused`);
    const { rejected } = await this.counts();
    const rows = Object.values(rejected).reduce((sum, n) => sum + n, 0);
    return { found, expected: { rows, twice: 0, missing: 0, foreign: 0 } };
  }

  /** Who is on which invoice. */
  async customers(): Promise<Finding> {
    const stored = this.sqlite
      .prepare(`select customer_id || ' ' || invoice_no as entry from customers order by entry`)
      .all() as { entry: string }[];
    const wanted = await this.rows<{ entry: string }>(
      `select distinct customer_id || ' ' || invoice_no as entry from accepted where customer_id <> 'Unknown' order by entry`,
    );
    return { found: stored.map(({ entry }) => entry), expected: wanted.map(({ entry }) => entry) };
  }

  /** The text of raw against the lines of the file, and its chunks against the ledger's. */
  async raw(): Promise<Finding> {
    const cleaned = this.sqlite
      .prepare(`select body ->> 'chunk_id' as chunk_id from batches where entry like 'chunk#%'`)
      .all() as { chunk_id: string }[];
    const missing = new Set(cleaned.map(({ chunk_id }) => chunk_id));
    const texts = new Map<string, string>();
    const lines: string[] = [];
    let unlike = 0;
    for (const { chunk_id, dataset, first_line, text } of rawChunks(this.directory)) {
      missing.delete(chunk_id);
      if ((texts.get(chunk_id) ?? text) !== text) unlike++;
      texts.set(chunk_id, text);
      if (dataset !== 'transactions') continue;
      for (const [i, line] of text.replace(/\n$/, '').split(/\r?\n/).entries()) lines[first_line + i] = line;
    }
    const wanted: string[] = [];
    for await (const line of createInterface({ input: createReadStream(this.csv) })) wanted.push(line);
    const differing = wanted.filter((line, i) => i > 0 && lines[i + 1] !== line).length; // the header is in no chunk
    const found = { missing: [...missing], unlike, last: lines.length - 1, differing };
    return { found, expected: { missing: [], unlike: 0, last: wanted.length, differing: 0 } };
  }

  /** Records of raw against the numbers that the stream gave: its table forgets records, and never a number. */
  records(): Finding {
    const expected = this.number(`select seq from sqlite_sequence where name = 'stream'`);
    return { found: this.chunksOfRaw().length, expected };
  }

  /**
   * Records of raw whose chunk an earlier one holds already. A request that a kill broke off and that its client sends
   * again puts its chunks into the stream again: raw has them as often, and clean passes over them.
   */
  repeats(): number {
    const chunks = this.chunksOfRaw();
    return chunks.length - new Set(chunks).size;
  }

  /** Whether SQLite finds its file sound. */
  database(): Finding {
    const [row] = this.sqlite.prepare('pragma integrity_check').all() as { integrity_check: string }[];
    return { found: row?.integrity_check, expected: 'ok' };
  }

  /**
   * Files of the lake under names that it does not have: to somebody who reads a whole folder each is a trap. What killed
   * processes did not finish must have gone with the last start.
   */
  strangers(): Finding {
    const known = /^(landing\/.*\.parquet|rejected\/.*\.ndjson\.gz|raw\/.*\.ecf)$/;
    return { found: this.lake().filter((path) => !known.test(path)), expected: [] };
  }

  private chunksOfRaw(): string[] {
    return [...rawChunks(this.directory)].map(({ chunk_id }) => chunk_id);
  }

  private lake(): string[] {
    const zones = ['landing', 'rejected', 'raw', 'failed'].filter((zone) => existsSync(join(this.directory, zone)));
    return zones.flatMap((zone) => filesIn(join(this.directory, zone)).map((path) => `${zone}/${path}`));
  }

  private async sameRows(table: 'stored' | 'landing'): Promise<Finding> {
    const [found] = await this.rows<object>(`select
      count(*)::integer as rows, (count(*) - count(distinct line_id))::integer as twice,
      (select count(*) from (select ${COLUMNS} from accepted except select ${COLUMNS} from ${table}))::integer as missing,
      (select count(*) from (select ${COLUMNS} from ${table} except select ${COLUMNS} from accepted))::integer as foreign
      from ${table}`);
    return { found, expected: { rows: (await this.counts()).kept, twice: 0, missing: 0, foreign: 0 } };
  }

  private async rows<T>(sql: string): Promise<T[]> {
    return (await this.duckdb.runAndReadAll(sql)).getRowObjects() as unknown as T[];
  }

  private number(sql: string): number {
    return Number(Object.values(this.sqlite.prepare(sql).get()!)[0] ?? 0);
  }
}

/** What must hold of a data directory after all that happened to it, as sentences. */
export const CHECKS: Readonly<Record<string, (audit: Audit) => Finding | Promise<Finding>>> = {
  'balances in the ledger, and counts what SQL counts in the file': (audit) => audit.ledger(),
  'has every distinct accepted row in the invoices exactly once': (audit) => audit.invoices(),
  'has every distinct accepted row in landing exactly once': (audit) => audit.landing(),
  'has the same identities in the invoices and in landing': (audit) => audit.identities(),
  'has every refused row with its reason and its line once': (audit) => audit.refused(),
  'has every customer of an accepted row on the invoice, and no other': (audit) => audit.customers(),
  'has every line of the file in raw, as it came': (audit) => audit.raw(),
  'has every record of the stream in raw once': (audit) => audit.records(),
  'has a database that SQLite finds sound': (audit) => audit.database(),
  'has nothing in the lake under a name that a reader does not expect': (audit) => audit.strangers(),
};
