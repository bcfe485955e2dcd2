import { CHARSETS } from '../charset';
import { datasets } from '../dataset';
import type { Schema } from '../describe';
import { insights } from '../insight';
import { MOST_KEY_BYTES } from '../upload';

const inPath = (name: string, description: string, schema: Schema, example: string): Schema => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string', ...schema },
  example,
});
const inQuery = (name: string, description: string, schema: Schema): Schema => ({
  name,
  in: 'query',
  description,
  schema,
});
const number = (maximum: number): Schema => ({ type: 'integer', minimum: 1, maximum });
const DAY: Schema = { type: 'string', format: 'date', examples: ['2011-01-31'] };
const HASH = { pattern: '^[0-9a-f]{64}$' };
/* As functions/ingest/request.ts holds to. */
const MOST_PARTS = 10_000;
const MOST_LINE = 2_000_000_000;

/** Names from the path, and what may stand behind the question mark. */
export const PARAMETERS: Readonly<Record<string, Schema>> = {
  Dataset: inPath('dataset', 'The data set', { enum: [...datasets.keys()] }, 'transactions'),
  BatchId: inPath('batch_id', 'As the 202 said', { pattern: '^[0-9a-f]{32}$' }, 'd2f1a6c0b94e4f7a8c35e61907b2d48f'),
  Hash: inPath(
    'hash',
    "SHA-256 of the file's decompressed bytes",
    HASH,
    '6b1f0e4d8a2c97350fe1b4d6c8a9027355e1d0c2b3a4f5968778695a4b3c2d1e',
  ),
  InvoiceNo: inPath('invoice_no', 'Number of the invoice', {}, '536365'),
  StockCode: inPath('stock_code', 'Code of the product', {}, '85123A'),
  CustomerId: inPath('customer_id', 'Number of the customer', {}, '17850'),
  Key: {
    ...inQuery('key', `Key of a file in the inbox, at most ${MOST_KEY_BYTES} bytes of UTF-8`, {
      type: 'string',
      pattern: '^inbox/',
      maxLength: MOST_KEY_BYTES,
    }),
    required: true,
    example: 'inbox/transactions/4f7a8c35e61907b2d48fd2f1a6c0b94e.csv.gz',
  },
  Type: inQuery('type', 'What the bytes are; with content type application/octet-stream only, and needed there', {
    enum: ['csv', 'json', 'ndjson'],
  }),
  Charset: inQuery(
    'charset',
    'Charset of the body; stands above the one in the content type. utf8, ascii, latin1 and cp1252 are other names',
    { enum: CHARSETS, default: 'utf-8' },
  ),
  File: inQuery(
    'file',
    'SHA-256 of the decompressed bytes of the file that the body is a part of; with part and parts',
    {
      type: 'string',
      ...HASH,
    },
  ),
  Part: inQuery('part', 'Which part of the file, from 1', number(MOST_PARTS)),
  Parts: inQuery('parts', 'How many parts the file has', number(MOST_PARTS)),
  Line: inQuery(
    'line',
    "Line of the file that the body's first row stands in, so that refused rows are told by their line in the file; by default its line in the body",
    number(MOST_LINE),
  ),
  Limit: inQuery('limit', 'Most entries of a page', number(1000)),
  Insight: inPath('name', 'The insight', { enum: [...insights.keys()] }, 'sales_by_day'),
  From: inQuery('from', "First day, on the shop's clock; by default the first that there are rows of", DAY),
  To: inQuery('to', 'Last day, included; by default the last that there are rows of', DAY),
  Rows: inQuery('limit', 'Most rows: 100 if nothing is said, and 1000 at most; of CSV 10000', number(10_000)),
  Format: inQuery('format', 'CSV is also what a request with `Accept: text/csv` gets', {
    enum: ['json', 'csv'],
    default: 'json',
  }),
  Cursor: inQuery('cursor', '`next_cursor` of the page before, on the same address', {
    type: 'string',
    maxLength: 1024,
  }),
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'ETag of the answer that the client has; the answer is 304 if it is still the same',
    schema: { type: 'string' },
  },
};

export const HEADERS: Readonly<Record<string, Schema>> = {
  ETag: { description: 'Names this answer; for If-None-Match', schema: { type: 'string' } },
  'Cache-Control': { description: '`private, no-cache`: ask again, with the ETag', schema: { type: 'string' } },
};
