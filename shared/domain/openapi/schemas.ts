import { CHARSETS } from '../charset';
import type { Contract } from '../contract';
import { datasets } from '../dataset';
import { jsonSchema, type Schema, typeName } from '../describe';
import { type ColumnType, insights, SOURCES } from '../insight';
import { METERS } from '../meters';
import { ORDERS } from '../order';
import { PROBLEMS } from '../problem';
import { EXTENSIONS, FILE_TYPES, UPLOADS } from '../upload';

/** Verdicts of one answer at most. */
export const MOST_VERDICTS = 5000;

const contracts = [...datasets.values()].map(({ contract }) => contract);

export const schemaRef = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const arrayOf = (items: Schema, limits: Schema = {}): Schema => ({ type: 'array', items, ...limits });
export const inputRef = (contract: Contract): Schema => schemaRef(`${typeName(contract)}Input`);

const text = (description: string, limits: Schema = {}): Schema => ({ type: 'string', description, ...limits });
const count = (description: string, minimum = 0): Schema => ({ type: 'integer', description, minimum });
const number = (description: string): Schema => ({ type: 'number', description });
const hex = (digits: number, description: string): Schema => text(description, { pattern: `^[0-9a-f]{${digits}}$` });
const time = (description: string): Schema => text(description, { format: 'date-time' });
/** An object all of whose members are always there. */
const object = (description: string, properties: Record<string, Schema>): Schema => ({
  type: 'object',
  description,
  properties,
  required: Object.keys(properties),
});

const money = (description: string): Schema => text(description, { pattern: '^-?\\d+(\\.\\d{1,4})?$' });
const byHour = (description: string, properties: Record<string, Schema>): Schema =>
  arrayOf(object('An hour', { hour: { ...count('From 0 to 23'), maximum: 23 }, ...properties }), {
    description,
    minItems: 24,
    maxItems: 24,
  });
const cut = (things: string): Schema => ({
  type: 'boolean',
  description: `True when there were too many ${things} to keep all: sums are exact, each of these may have more`,
});

const dataset = text('The data set', { enum: contracts.map(({ name }) => name) });
const batchId = hex(32, 'Made from the content: the same content is the same batch');
const lineId = hex(32, 'Identity of the row: rows that agree in all columns have the same');
const cursor: Schema = {
  type: ['string', 'null'],
  description: 'What to send as `cursor` for the next page; null on the last',
};
const reasons: Schema = {
  type: 'object',
  description: 'Refused rows, counted by reason',
  additionalProperties: { type: 'integer', minimum: 1 },
};
const balance = {
  status: text(
    '`open`: not wholly taken in, send it again; `accepted`: being cleaned; `failed`: some chunks cannot be cleaned, by a defect of ours; `provisional`: cleaned, and being told from rows that came before; `complete`: every row has its outcome',
    {
      enum: ['open', 'accepted', 'failed', 'provisional', 'complete'],
    },
  ),
  received: count('Rows received'),
  kept: count('Rows kept'),
  duplicate: count('Rows that had come before'),
  rejected: reasons,
  pending: count('Rows that have no outcome yet'),
  balanced: {
    type: 'boolean',
    description: 'True once received = kept + duplicate + rejected; it becomes so within seconds',
  },
  failed: arrayOf(text('Id of a chunk'), { description: 'Chunks that cannot be cleaned; they are kept in `failed/`' }),
};
const refused = {
  reason: text('Why it is refused: `missing`, `unparseable`, or a reason of the contract', {
    examples: ['missing', 'unparseable', ...contracts.flatMap(({ reject }) => reject.map(({ reason }) => reason))],
  }),
  field: text('The column it is refused for; `row` for the whole row'),
};
const line = count('Line that the row starts in, in the body or in the file it is a part of', 1);

const orNull = ({ type, ...rest }: Schema): Schema => ({ ...rest, type: [type, 'null'] });
const refusedRow = object('A refused row', { line, ...refused, text: text('The row as it came') });

const key = text('Where the file is, or is to be, in the bucket', { pattern: '^inbox/' });
const sentBy = text("The token's subject");
const states = {
  announced: 'an address was asked for, and no file has come',
  reading: 'its rows are being taken in',
  waiting: 'for Spark to be free',
  running: 'Spark reads it',
  claiming: 'its rows are being told from rows that came before',
  done: 'all its rows are taken in; the report tells what became of them',
  refused: 'it is no file of rows',
  failed: 'Spark gave up; the file is where it was',
};
const state = (names: readonly (keyof typeof states)[]): Schema =>
  text(names.map((name) => `\`${name}\`: ${states[name]}`).join('; '), { enum: names });
const refusalOf = (description: string): Schema => ({
  ...orNull(
    object(description, {
      code: text('A stable word', { enum: Object.keys(PROBLEMS) }),
      detail: text('What is wrong and what to do'),
    }),
  ),
  additionalProperties: { description: 'Facts for programs, such as column, line, offset or limit' },
});

const rows = Object.fromEntries(
  contracts.flatMap((contract) => {
    const { input, row } = jsonSchema(contract);
    return [
      [`${typeName(contract)}Input`, input],
      [typeName(contract), row],
    ];
  }),
) as Record<string, Schema & { properties: Record<string, Schema>; required: readonly string[] }>;

const sale = rows.Transaction!;
const { invoice_no, invoice_date, customer_id, country } = sale.properties as Record<
  'invoice_no' | 'invoice_date' | 'customer_id' | 'country',
  Schema
>;
const day = (description: string): Schema => text(description, { format: 'date' });
const insightWords = {
  name: text('Its name', { enum: [...insights.keys()] }),
  question: text('What it answers'),
  grain: text('What a row is'),
  columns: arrayOf(schemaRef('InsightColumn'), { minItems: 1 }),
  cannot: arrayOf(text('What it cannot say')),
};
const failedAt = orNull(
  time('When the last build failed at it: what is told is of the build before; null when it did not'),
);
/** A value of an insight's column. */
const cellOf = (type: ColumnType, description: string): Schema => ({
  type: [type === 'integer' || type === 'number' ? type : 'string', 'null'],
  description,
});
const customerInvoices = {
  customer_id,
  invoices: arrayOf(schemaRef('CustomerInvoice'), { description: 'By number', minItems: 1 }),
  next_cursor: cursor,
};

/** What bodies and answers look like. Answers may get further members; clients are to pass over what they do not know. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  ...rows,
  Accepted: object('Every row is in the stream', {
    batch_id: batchId,
    dataset,
    rows: count('Rows received', 1),
    chunks: count('Chunks that they travel in', 1),
    known: { type: 'boolean', description: 'True when the same content had been accepted before' },
  }),
  Validation: object('The verdict of the contract on each row', {
    dataset,
    rows: count('Rows in the body', 1),
    kept: count('Rows that would be kept, or be duplicates'),
    rejected: reasons,
    verdicts: arrayOf(schemaRef('Verdict'), {
      description: `In the order of the body; the first ${MOST_VERDICTS}`,
      maxItems: MOST_VERDICTS,
    }),
    truncated: { type: 'boolean', description: 'True when there are more rows than verdicts' },
  }),
  Verdict: {
    oneOf: [
      object('The row is accepted', {
        line,
        kind: { const: 'kept' },
        line_id: lineId,
        row: {
          description: 'The row as it would be kept',
          anyOf: contracts.map((contract) => schemaRef(typeName(contract))),
        },
      }),
      object('The row is refused', { line, kind: { const: 'rejected' }, ...refused }),
    ],
  },
  NewUpload: {
    type: 'object',
    description: `A file that is to be uploaded. All of this together takes ${UPLOADS.requestBytes} bytes at most`,
    properties: {
      dataset,
      bytes: { ...count('Size of the file as it is sent, compressed or not', 1), maximum: UPLOADS.bytes },
      name: text(
        `Name of the file. Its ending tells what it holds: ${EXTENSIONS.join(', ')}, or one of these and .gz or .zst; nothing else of it is kept`,
        { default: '.csv' },
      ),
      type: text('What the file holds, whatever its name ends in', { enum: Object.keys(FILE_TYPES) }),
      charset: text('Charset of the text in it. utf8, ascii, latin1 and cp1252 are other names', {
        enum: CHARSETS,
        default: 'utf-8',
      }),
    },
    required: ['dataset', 'bytes'],
    additionalProperties: false,
  },
  Upload: object('An address that takes the file, once', {
    key,
    method: { const: 'PUT' },
    url: text('Send the file here as the body, without a token', { format: 'uri' }),
    headers: {
      type: 'object',
      description: 'To be sent along as they are; they are signed, so that another size or type is refused with 403',
      additionalProperties: { type: 'string' },
    },
    expires_at: time('When the PUT has to have begun'),
    status: text('Where to ask what became of the file', { format: 'uri-reference' }),
  }),
  Arrivals: object('What became of the files that lay under a key', {
    key,
    state: state(['announced', 'reading', 'waiting', 'running', 'claiming', 'done', 'refused', 'failed']),
    arrivals: arrayOf(schemaRef('Arrival'), {
      description: 'The last that came first; more than one when the key was written again',
    }),
  }),
  Arrival: object('A file in the inbox', {
    key,
    version: text('Tells files under one key apart'),
    state: state(['reading', 'waiting', 'running', 'claiming', 'done', 'refused', 'failed']),
    bytes: count('As stored, compressed or not'),
    arrived_at: time('When the store had all of it'),
    sent_by: text('The subject of the token that asked for the upload, else the account that S3 names'),
    finished_at: orNull(time('When nothing was left to be done for it')),
    dataset: orNull(text('The data set, once it is known')),
    engine: orNull({
      ...text('What cleans it: the stream as for requests, or Spark where it is large'),
      enum: ['stream', 'spark', null],
    }),
    file: orNull(hex(64, 'SHA-256 of its decompressed bytes, of a file that went through the stream')),
    batch_id: orNull(hex(32, 'Of a file that went through Spark')),
    report: orNull(text('Where what became of its rows is told, once there is something', { format: 'uri-reference' })),
    refusal: refusalOf('Why it was not taken'),
    kept_as: orNull(text('Where a refused file is kept in the bucket')),
    broken: refusalOf('Why the rest of it was not taken: a compressed file that ended too soon'),
  }),
  Batch: object('What was received in one request, and what became of it', {
    batch_id: batchId,
    dataset,
    contract_version: count('Version of the contract that it was taken in with', 1),
    ...balance,
    chunks: object('Chunks of the batch', {
      total: count('All of them', 1),
      cleaned: count('Those that are through'),
      revised: count('Those whose rows have another outcome since: by a redrive, or of a file that Spark read'),
    }),
    received_at: time('When it came'),
    accepted_at: {
      type: ['string', 'null'],
      format: 'date-time',
      description: 'When all of it was in the stream; null while open',
    },
    sent_by: sentBy,
    file: {
      ...object('The file that it is a part of, if it was said', {
        hash: hex(64, "SHA-256 of the file's decompressed bytes"),
        part: count('Counted from 1', 1),
        parts: count('Parts of the file', 1),
      }),
      type: ['object', 'null'],
    },
    origin: {
      ...object('The file in the inbox that it came from, if it did', {
        key: text('Its key'),
        version: text('Which of the files that lay under the key'),
      }),
      type: ['object', 'null'],
    },
  }),
  NewRedrive: {
    type: 'object',
    description: 'Which rows of a batch are to go through again',
    properties: {
      reason: text('Only rows refused for this reason', { minLength: 1, maxLength: ORDERS.reasonCharacters }),
      replay: { type: 'boolean', description: 'The whole batch, from what came; without a reason' },
    },
    additionalProperties: false,
  },
  Redrive: object('A redrive that was asked for', {
    batch_id: batchId,
    rows: count('Refused rows that it is about; of a replay, all rows. 0: nothing was ordered'),
    replay: { type: 'boolean', description: 'Whether it is of the whole batch' },
    status: text('Where the batch tells what became of it', { format: 'uri-reference' }),
  }),
  File: object('The sum over the parts of a file that have come', {
    file: hex(64, "SHA-256 of the file's decompressed bytes"),
    dataset,
    ...balance,
    parts: object('Parts of the file', {
      total: count('Parts that it was said to have', 1),
      accepted: arrayOf({ type: 'integer', minimum: 1 }, { description: 'Those that are wholly taken in' }),
    }),
    batches: arrayOf(batchId, { description: 'Those of the accepted parts, in their order' }),
  }),
  RejectedRows: object('Refused rows of a batch, in its order', {
    batch_id: batchId,
    rows: arrayOf({
      ...refusedRow,
      properties: {
        ...(refusedRow.properties as Schema),
        truncated: { const: true, description: 'The text is longer than what is shown; all of it is in the lake' },
      },
    }),
    next_cursor: cursor,
  }),
  InvoiceLine: {
    ...sale,
    description: 'A line of an invoice',
    properties: { line_id: lineId, ...sale.properties },
    required: ['line_id', ...sale.required],
  },
  Invoice: object('An invoice with its lines; date, customer and country are those of its first line', {
    invoice_no,
    invoice_date,
    customer_id,
    country,
    line_count: count('Lines of the whole invoice', 1),
    total: text('Exact sum of quantity times unit_price over the whole invoice', { pattern: '^\\d+(\\.\\d*[1-9])?$' }),
    lines: arrayOf(schemaRef('InvoiceLine'), { description: 'In the order in which they came' }),
    next_cursor: cursor,
  } as Record<string, Schema>),
  CustomerInvoice: object('An invoice of a customer', { invoice_no, invoice_date, country }),
  Profile: {
    type: ['object', 'null'],
    description:
      'Who the customer is to the shop, as the last build of the insights found it: columns of the insight customer_profiles. Null before that, and for who has no order that counts',
    required: ['customer_id'],
    properties: Object.fromEntries(
      insights
        .get('customer_profiles')!
        .columns.map(({ name, type, description }) => [name, cellOf(type, description)]),
    ),
  },
  Customer: object('A customer with the first of their invoices', {
    customer_id,
    country: { ...country, description: 'Country of the first invoice of the page' },
    profile: schemaRef('Profile'),
    ...Object.fromEntries(Object.entries(customerInvoices).slice(1)),
  } as Record<string, Schema>),
  CustomerInvoices: object("A page of a customer's invoices", customerInvoices as Record<string, Schema>),
  Insights: object('Everything at one look, as the last build found it', {
    built_at: orNull(time('When all of it was built last; null before the first time')),
    datasets: arrayOf(schemaRef('DatasetOverview'), { description: 'Each data set; none before the first build' }),
    insights: arrayOf(schemaRef('InsightSummary'), { description: 'Every insight by name' }),
  }),
  DatasetOverview: object('What there is of a data set, and what the ledger says of it', {
    dataset,
    first_day: orNull(day("Of the first row, on the shop's clock; null while there are no rows")),
    last_day: orNull(day('Of the last row')),
    rows: count('Rows that insights are made of'),
    removed_duplicates: count('Rows that were kept when they came, and were found to have come before all the same'),
    batches: count('Batches that came'),
    received: balance.received,
    kept: balance.kept,
    duplicate: balance.duplicate,
    rejected: reasons,
    pending: balance.pending,
    balanced: { type: 'boolean', description: 'True when every row of every batch has its outcome' },
  }),
  InsightSummary: object('An insight', {
    ...insightWords,
    reads: arrayOf(text('What it is made of: data sets, and rows that a rule refused', { enum: [...SOURCES] })),
    range: text('`rows`: of the rows of the days asked for; `until`: of all rows up to the last of them', {
      enum: ['rows', 'until'],
    }),
    rows: orNull(count('Rows of its answer over all days, as far as they are kept; null where there is none')),
    built_at: orNull(time('When that was built; null where there is none')),
    failed_at: failedAt,
  }),
  InsightColumn: object('A column of an answer', {
    name: text('Its name'),
    type: text('`decimal` is exact and comes as text, `date` as 2011-01-31, `timestamp` on the clock of the shop', {
      enum: ['text', 'date', 'timestamp', 'integer', 'decimal', 'number'],
    }),
    unit: orNull(text('What a number counts; null of words and days')),
    description: text('What it says'),
  }),
  Insight: object('The answer of an insight', {
    ...insightWords,
    from: orNull(day('First day that it is about; null while there are no rows')),
    to: orNull(day('Last day that it is about')),
    built_at: orNull(time('When it was found; null while there are no rows')),
    failed_at: failedAt,
    rows: arrayOf(
      { type: 'object', description: 'A row by column', additionalProperties: { type: ['string', 'number', 'null'] } },
      { description: 'In the order of the insight, which is the same each time', maxItems: 1000 },
    ),
    truncated: { type: 'boolean', description: 'True when there are more rows than these' },
  }),
  Live: object('What today has brought so far', {
    at: time('When it was asked'),
    day: text("Today, on the shop's clock", { format: 'date' }),
    timezone: text("The shop's clock, an IANA zone"),
    behind: {
      type: 'boolean',
      description: 'True when there was more than could be read in time: these figures are too low, and ask again',
    },
    transactions: object('What was sold', {
      revenue: money('What the lines come to'),
      orders: count('Invoices, counted by the day and hour of their first line'),
      lines: count('Lines of invoices'),
      pieces: count('Pieces sold'),
      by_hour: byHour('Each hour of the day', {
        orders: count('Invoices'),
        revenue: money('What the lines come to'),
      }),
      top_products: arrayOf(
        object('A product', {
          stock_code: text('Its code'),
          description: orNull(text('Its name, cut to 100 characters')),
          revenue: money('What its lines come to'),
          pieces: count('Pieces sold'),
        }),
        { description: 'Those of the greatest revenue', maxItems: 10 },
      ),
      products_cut: cut('products'),
    }),
    events: object('What visitors did', {
      events: count('All that they did'),
      views: count('Looks at a product'),
      carts: count('Products put into a cart'),
      removals: count('Products taken out of a cart'),
      purchases: count('Products bought'),
      purchase_value: money('What these came to'),
      active_users: count('Visitors, about: an estimate'),
      active_users_error: number('Its standard error, as a share of it'),
      by_hour: byHour('Each hour of the day', { events: count('All of it'), purchases: count('Products bought') }),
      categories: arrayOf(
        object('A category', {
          category_id: text('Its id'),
          category_code: orNull(text('Its name, cut to 100 characters')),
          purchases: count('Products bought'),
          value: money('What these came to'),
        }),
        { description: 'Those of which was bought for the most', maxItems: 10 },
      ),
      categories_cut: cut('categories'),
    }),
  }),
  Metrics: object('What was measured', {
    meters: arrayOf(schemaRef('Measured'), { description: 'By meter, then by data set; those that have a value' }),
  }),
  Measured: object('The values of a meter, added up', {
    meter: text('What is measured', { enum: Object.keys(METERS) }),
    unit: text('Of sum, max and last', { enum: [...new Set(Object.values(METERS).map(({ unit }) => unit))] }),
    meaning: text('The meter in words'),
    dataset: orNull(text('The data set; null where values have none')),
    count: count('How many values there were', 1),
    sum: number('All of them together'),
    max: number('The greatest'),
    last: number('The last'),
    last_at: time('When the last was measured'),
  }),
  Health: object('The service answers', {
    status: { const: 'ok' },
    version: text('Version of ecomflow'),
    commit: text('Commit that it was built from; `unknown` outside a checkout'),
  }),
  Problem: {
    ...object('Problem details (RFC 9457). Branch on `code`; the rest is for people', {
      type: text('A URN made of the code', { pattern: '^urn:ecomflow:problem:[a-z_]+$' }),
      title: text('The code in words'),
      status: { type: 'integer', enum: [...new Set(Object.values(PROBLEMS).map(({ status }) => status))] },
      code: text('A stable word', { enum: Object.keys(PROBLEMS) }),
      detail: text('What is wrong with this request and what to do'),
      instance: text('The path that was asked'),
    }),
    additionalProperties: { description: 'Facts for programs, such as column, line, offset, limit or request_id' },
  },
  GatewayMessage: {
    ...object("The gateway's own answer, which no function has seen", { message: text('What is wrong') }),
    additionalProperties: true,
  },
};
