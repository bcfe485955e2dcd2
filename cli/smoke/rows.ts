import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Transaction } from '../../shared/domain/contracts/types';

/** A body as a client sends it, and what must become of it. */
export interface Body {
  /** In words, for the report. */
  readonly what: string;
  /** Path and query behind /v1. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly received: number;
  readonly kept: number;
  readonly duplicate: number;
  readonly rejected: Readonly<Record<string, number>>;
  /** The invoice that its kept rows are on. */
  readonly invoice_no?: string;
}

/** What one run sends: rows that no other run has, in 1999, so that no shop's figures of today change. */
export interface Rows {
  readonly run: string;
  readonly customer_id: string;
  /** The body whose rows are followed through every store. */
  readonly main: Body;
  /** Kept rows of the main body, in order, as every store must have them. */
  readonly lines: readonly Transaction[];
  /** The text of the row that is refused as a cancellation, and its line. */
  readonly refused: { readonly line: number; readonly text: string };
  /** The same kind of row in every way that a body can be sent. */
  readonly others: readonly Body[];
  /** Gzip under text/csv, which a gateway may ruin. */
  readonly fragile: Body;
  /** What is put into the inbox as a file. */
  readonly upload: Body;
  readonly invoices: readonly string[];
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const OCTETS = { 'content-type': 'application/octet-stream' };
const LATIN1_NAME = 'CAFÉ À LA CRÈME';

/** Makes a run's rows. */
export function makeRows(run = randomBytes(4).toString('hex')): Rows {
  const invoice = (name: string) => `SMOKE${run}${name}`;
  const customer_id = `smoke-${run}`;
  const common = { customer_id, country: 'Smoke' };
  const lines: Transaction[] = [
    // The ends of decimal(12,4), a name in three scripts with a comma and quotes, and a time to the millisecond.
    {
      invoice_no: invoice('A'),
      stock_code: 'S1',
      description: 'Straße, "日本" 🦊',
      quantity: 3,
      invoice_date: '1999-12-31T23:59:59.123Z',
      unit_price: '99999999.9999',
      ...common,
    },
    {
      invoice_no: invoice('A'),
      stock_code: 'S2',
      description: null,
      quantity: 1,
      invoice_date: '1999-01-01T00:00:00Z',
      unit_price: '0.0001',
      ...common,
    },
  ];
  const written = lines.map((line) =>
    [
      line.invoice_no,
      line.stock_code,
      quoted(line.description ?? ''),
      line.quantity,
      line.invoice_date,
      line.unit_price,
      customer_id,
      'Smoke',
    ].join(','),
  );
  const refused = `C${invoice('A')},S1,Returned,-3,1999-12-31T23:59:59Z,1,${customer_id},Smoke`;
  const unparseable = `${invoice('A')},S3,Two,two,1999-12-31T23:59:59Z,1,${customer_id},Smoke`;
  const main = body({
    what: 'CSV',
    path: '/transactions',
    headers: { 'content-type': 'text/csv' },
    bytes: Buffer.from(`${[HEADER, ...written, written[1], refused, unparseable].join('\n')}\n`),
    received: 5,
    kept: 2,
    duplicate: 1,
    rejected: { cancellation: 1, unparseable: 1 },
    invoice_no: invoice('A'),
  });

  const row = (name: string, description = name) =>
    `${HEADER}\n${invoice(name)},S1,${description},1,1999-06-01T12:00:00Z,1.5,${customer_id},Smoke\n`;
  const record = (name: string) => ({
    invoice_no: invoice(name),
    stock_code: 'S1',
    description: name,
    quantity: 1,
    invoice_date: '1999-06-01T12:00:00Z',
    unit_price: 1.5,
    ...common,
  });
  const others = [
    body({
      what: 'gzip as octets',
      path: '/transactions?type=csv',
      headers: OCTETS,
      bytes: gzipSync(row('GZ')),
      invoice_no: invoice('GZ'),
    }),
    body({
      what: 'zstd as octets',
      path: '/transactions?type=csv',
      headers: OCTETS,
      bytes: zstdCompressSync(row('ZS')),
      invoice_no: invoice('ZS'),
    }),
    body({
      what: 'ISO-8859-1 as octets',
      path: '/transactions?type=csv&charset=iso-8859-1',
      headers: OCTETS,
      bytes: Buffer.from(row('L1', LATIN1_NAME), 'latin1'),
      invoice_no: invoice('L1'),
    }),
    body({
      what: 'a JSON array',
      path: '/transactions',
      headers: { 'content-type': 'application/json' },
      bytes: Buffer.from(JSON.stringify([record('JS')])),
      invoice_no: invoice('JS'),
    }),
    body({
      what: 'NDJSON',
      path: '/transactions',
      headers: { 'content-type': 'application/x-ndjson' },
      bytes: Buffer.from(`${JSON.stringify(record('ND'))}\n`),
      invoice_no: invoice('ND'),
    }),
    body({
      what: 'events',
      path: '/events',
      headers: { 'content-type': 'application/x-ndjson' },
      bytes: Buffer.from(
        `${JSON.stringify({ event_time: '1999-06-01T12:00:00Z', event_type: 'view', product_id: `smoke-${run}`, category_id: '1', price: 0.01, user_id: customer_id })}\n`,
      ),
    }),
  ];
  const fragile = body({
    what: 'gzip as text/csv',
    path: '/transactions',
    headers: { 'content-type': 'text/csv', 'content-encoding': 'gzip' },
    bytes: gzipSync(row('TG')),
    invoice_no: invoice('TG'),
  });
  const upload = body({
    what: 'a file in the inbox',
    path: '/transactions',
    headers: {},
    bytes: gzipSync(row('UP')),
    invoice_no: invoice('UP'),
  });
  const invoices = [main, ...others, fragile, upload].flatMap(({ invoice_no }) => invoice_no ?? []);
  return { run, customer_id, main, lines, refused: { line: 5, text: refused }, others, fragile, upload, invoices };
}

/** Every body of a run. */
export const bodiesOf = ({ main, others, fragile, upload }: Rows): readonly Body[] => [
  main,
  ...others,
  fragile,
  upload,
];

/** The name that must come back from the ISO-8859-1 body. */
export const latin1Name = LATIN1_NAME;

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** One kept row unless the counts say otherwise. */
const body = (parts: Pick<Body, 'what' | 'path' | 'headers' | 'bytes'> & Partial<Body>): Body => ({
  received: 1,
  kept: 1,
  duplicate: 0,
  rejected: {},
  ...parts,
});
