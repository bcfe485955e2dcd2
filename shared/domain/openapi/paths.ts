import { holds, type Permission, wanted } from '../access';
import { ROUTES, type Route } from '../api';
import { LIMITS } from '../body';
import type { Contract } from '../contract';
import { datasets } from '../dataset';
import { refusals, type Schema } from '../describe';
import { UPLOADS } from '../upload';
import { ANSWERS, BODIES, UPLOAD } from './examples';
import { arrayOf, inputRef, MOST_VERDICTS, schemaRef } from './schemas';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Schema[];
  readonly requestBody?: Schema;
  readonly responses: Schema;
}

const parameter = (name: string): Schema => ({ $ref: `#/components/parameters/${name}` });
const refusing = (...names: readonly [status: number, name: string][]): Schema =>
  Object.fromEntries(names.map(([status, name]) => [status, { $ref: `#/components/responses/${name}` }]));

const contracts = [...datasets.values()].map(({ contract }) => contract);
const megabytes = (bytes: number) => `${bytes / 1024 / 1024} MB`;
const limits = `Limits: ${megabytes(LIMITS.sentBytes)} as sent, ${megabytes(LIMITS.textBytes)} decompressed.`;

/** A body of rows of one of the contracts, in every type that is taken. */
function bodyOf(taken: readonly Contract[]): Schema {
  const rows = taken.map(inputRef);
  const { csv, json } = BODIES[taken[0]!.name]!;
  const array = arrayOf(rows.length === 1 ? rows[0]! : { anyOf: rows }, { minItems: 1 });
  return {
    required: true,
    description: `Rows. Compressed bodies (gzip, zstd; told by their first bytes) and bodies that are not UTF-8 go as application/octet-stream with \`type\` and \`charset\`: the gateway would read them as UTF-8 text. ${limits}`,
    content: {
      'text/csv': {
        schema: { type: 'string', description: 'RFC 4180, with a header row. Also as application/csv' },
        example: csv,
      },
      'application/json': { schema: array, example: json },
      'application/x-ndjson': {
        schema: { type: 'string', description: 'A JSON object a line. Also as application/ndjson' },
        example: json.map((row) => `${JSON.stringify(row)}\n`).join(''),
      },
      'application/octet-stream': {
        schema: {
          description: 'Bytes of any of the above, as `type` says',
          contentMediaType: 'application/octet-stream',
        },
      },
    },
  };
}

function taking(contract: Contract, operationId: string): Operation {
  const rules = refusals(contract).map(({ reason, when }) => `\`${reason}\` (${when})`);
  return {
    operationId,
    tags: ['Rows in'],
    summary: `Send rows of ${contract.name}`,
    description: `Takes rows in, each ${contract.grain}. 202 says that every row is kept safe and will get its outcome within seconds; the batch tells which. A row that is wrong never fails the request: it is refused with its reason, \`missing\` or \`unparseable\`, else the first of ${rules.join(', ')}. Sending the same content again is the same batch and stores nothing twice, so after any failure send again.`,
    parameters: ['Type', 'Charset', 'File', 'Part', 'Parts', 'Line'].map(parameter),
    requestBody: bodyOf([contract]),
    responses: {
      202: {
        description: 'Every row is in the stream, now or since the same content came before',
        headers: { Location: { description: 'The batch', schema: { type: 'string', format: 'uri-reference' } } },
        content: {
          'application/json': {
            schema: schemaRef('Accepted'),
            example: { ...ANSWERS.Accepted, dataset: contract.name },
          },
        },
      },
      ...refusing([400, 'BadBody'], [409, 'Conflict'], [413, 'TooLarge'], [415, 'UnsupportedType']),
    },
  };
}

/** A 200 that carries an ETag, and what else a GET may answer. */
const found = (description: string, schema: Schema, example?: unknown): Schema => ({
  200: {
    description,
    headers: Object.fromEntries(
      ['ETag', 'Cache-Control'].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
    ),
    content: { 'application/json': { schema, ...(example !== undefined && { example }) } },
  },
  ...refusing([304, 'NotModified']),
});
/** An insight's answer, which may be asked for as CSV. */
const insightFound = ((answer: Schema) => {
  const { content, headers, ...rest } = answer[200] as { content: Schema; headers: Schema };
  const csv = {
    schema: {
      type: 'string',
      description:
        "A header with the names of the columns, and the rows; Content-Disposition names it as a file, and Ecomflow-Truncated tells whether there are more rows. Text that a spreadsheet would run as a formula has ' in front",
    },
    example: 'day,revenue,orders,lines,pieces,average_order\r\n2010-12-01,58776.7900,127,3067,32212,462.81\r\n',
  };
  return { ...answer, 200: { ...rest, headers, content: { ...content, 'text/csv; charset=utf-8': csv } } };
})(found('The answer', schemaRef('Insight'), ANSWERS.Insight));
/** What is said of a redrive that was asked for. */
const ordered = (status: number, description: string, example: unknown): Schema => ({
  [status]: {
    description,
    headers: { Location: { description: 'The batch', schema: { type: 'string', format: 'uri-reference' } } },
    content: { 'application/json': { schema: schemaRef('Redrive'), example } },
  },
});
const missing = refusing([404, 'NotFound']);
const missingOrBad = refusing([400, 'BadQuestion'], [404, 'NotFound']);
const PAGE = ['Limit', 'Cursor'].map(parameter);

const OPERATIONS: Readonly<Record<Route, Operation>> = {
  'POST /v1/transactions': taking(datasets.get('transactions')!.contract, 'sendTransactions'),
  'POST /v1/events': taking(datasets.get('events')!.contract, 'sendEvents'),
  'POST /v1/{dataset}/validate': {
    operationId: 'validateRows',
    tags: ['Rows in'],
    summary: 'Judge rows and store nothing',
    description: `The verdict of the data set's contract on each row of a body: the cleaned row with its identity, or why it is refused. Whether a row is a duplicate is not asked. The counts are of all rows, the verdicts of the first ${MOST_VERDICTS}.`,
    parameters: ['Dataset', 'Type', 'Charset'].map(parameter),
    requestBody: bodyOf(contracts),
    responses: {
      200: {
        description: 'The verdicts',
        content: { 'application/json': { schema: schemaRef('Validation'), example: ANSWERS.Validation } },
      },
      ...refusing([400, 'BadBody'], [404, 'NotFound'], [413, 'TooLarge'], [415, 'UnsupportedType']),
    },
  },
  'POST /v1/uploads': {
    operationId: 'announceUpload',
    tags: ['Rows in'],
    summary: 'Get an address to put a file to',
    description: `For files that are too large for a request: up to ${UPLOADS.bytes / 1024 ** 3} GB as sent, CSV, NDJSON or JSON, plain, gzip or zstd. Send the file with \`PUT\` to \`url\`, with the \`headers\` of the answer and without a token. The address takes exactly this many bytes, once (a second PUT is answered 412), and is good for ${UPLOADS.seconds / 60} minutes. Then ask \`status\` what became of the file. Each call gives another address; one that is never used leaves nothing.`,
    requestBody: {
      required: true,
      description: 'What is to be uploaded',
      content: { 'application/json': { schema: schemaRef('NewUpload'), example: UPLOAD } },
    },
    responses: {
      201: {
        description: 'The address',
        headers: {
          Location: { description: 'What became of the file', schema: { type: 'string', format: 'uri-reference' } },
        },
        content: { 'application/json': { schema: schemaRef('Upload'), example: ANSWERS.Upload } },
      },
      ...refusing([400, 'BadUpload'], [413, 'TooLargeUpload']),
    },
  },
  'GET /v1/arrivals': {
    operationId: 'getArrivals',
    tags: ['What became of them'],
    summary: 'What became of a file in the inbox',
    description:
      'For files that came by an upload, and for those that somebody copied to the bucket. A file is noticed some seconds after all of it is there; until then an upload is `announced`, and any other key unknown. Once `state` is `done`, the `report` tells what became of its rows.',
    parameters: [parameter('Key')],
    responses: {
      ...found('The files', schemaRef('Arrivals'), ANSWERS.Arrivals),
      ...refusing([400, 'BadKey'], [404, 'NotFound']),
    },
  },
  'GET /v1/batches/{batch_id}': {
    operationId: 'getBatch',
    tags: ['What became of them'],
    summary: 'What was received in a batch and what became of it',
    description: 'The ledger of one request. `received = kept + duplicate + rejected` once `balanced` is true.',
    parameters: [parameter('BatchId')],
    responses: { ...found('The batch', schemaRef('Batch'), ANSWERS.Batch), ...missing },
  },
  'GET /v1/batches/{batch_id}/rejected': {
    operationId: 'getRejectedRows',
    tags: ['What became of them'],
    summary: 'The refused rows of a batch, as they came',
    description:
      'In the order of the batch, those of chunks that are through. A page has 100 rows if nothing is said, and ends early when its rows are long.',
    parameters: [parameter('BatchId'), ...PAGE],
    responses: {
      ...found('A page of refused rows', schemaRef('RejectedRows'), ANSWERS.RejectedRows),
      ...missingOrBad,
    },
  },
  'POST /v1/batches/{batch_id}/redrive': {
    operationId: 'redriveBatch',
    tags: ['What became of them'],
    summary: 'Send the refused rows of a batch through again',
    description:
      "By today's contract: after a rule was mended, rows that it had refused are kept. The ledger shows the move as a revision of the chunk's entry: `rejected` falls, `kept` or `duplicate` rises, their sum stays. With `replay` the whole batch goes through once more from what came, which mends the stores and changes nothing that is right. Doing it twice changes nothing. The work is done behind the answer, within minutes; ask the batch for what became of it.",
    parameters: [parameter('BatchId')],
    requestBody: {
      required: false,
      description: 'Which rows; without a body, or with an empty one, all that were refused',
      content: { 'application/json': { schema: schemaRef('NewRedrive'), example: { reason: 'missing' } } },
    },
    responses: {
      ...ordered(202, 'The redrive is ordered', ANSWERS.Redrive),
      ...ordered(200, 'Nothing is refused for this reason: there is nothing to be done', {
        ...ANSWERS.Redrive,
        rows: 0,
      }),
      ...refusing([400, 'BadOrder'], [404, 'NotFound'], [409, 'UnderWay'], [413, 'TooLargeOrder']),
    },
  },
  'GET /v1/files/{hash}': {
    operationId: 'getFile',
    tags: ['What became of them'],
    summary: 'The sum over the parts of a file',
    description: 'Parts that never came keep the file `open`.',
    parameters: [parameter('Hash')],
    responses: { ...found('The file', schemaRef('File'), ANSWERS.File), ...missing },
  },
  'GET /v1/invoices/{invoice_no}': {
    operationId: 'getInvoice',
    tags: ['Invoices and customers'],
    summary: 'An invoice with its lines',
    description: '`line_count` and `total` are of the whole invoice. A page has 1000 lines if nothing is said.',
    parameters: [parameter('InvoiceNo'), ...PAGE],
    responses: { ...found('The invoice', schemaRef('Invoice'), ANSWERS.Invoice), ...missingOrBad },
  },
  'GET /v1/invoices/{invoice_no}/items/{stock_code}': {
    operationId: 'getInvoiceItems',
    tags: ['Invoices and customers'],
    summary: 'The lines of an invoice with one stock code',
    description:
      'An array, since a product may stand on an invoice more than once. Where it is long, the Link header leads to the next page.',
    parameters: [parameter('InvoiceNo'), parameter('StockCode'), ...PAGE],
    responses: {
      ...found('The lines', arrayOf(schemaRef('InvoiceLine')), ANSWERS.InvoiceItems),
      ...missingOrBad,
    },
  },
  'GET /v1/customers/{customer_id}': {
    operationId: 'getCustomer',
    tags: ['Invoices and customers'],
    summary: 'A customer, and the first of their invoices',
    description: '`Unknown` is not a customer. A page has 100 invoices if nothing is said.',
    parameters: [parameter('CustomerId'), ...PAGE],
    responses: { ...found('The customer', schemaRef('Customer'), ANSWERS.Customer), ...missingOrBad },
  },
  'GET /v1/customers/{customer_id}/invoices': {
    operationId: 'getCustomerInvoices',
    tags: ['Invoices and customers'],
    summary: "A customer's invoices by number",
    description: 'A page has 100 invoices if nothing is said.',
    parameters: [parameter('CustomerId'), ...PAGE],
    responses: {
      ...found('A page of invoices', schemaRef('CustomerInvoices'), ANSWERS.CustomerInvoices),
      ...missingOrBad,
    },
  },
  'GET /v1/insights': {
    operationId: 'listInsights',
    tags: ['Insights'],
    summary: 'Every insight, and what there is of each data set',
    description:
      'Insights are built every night over all the days that there are; on a laptop behind each load. What the ledger says is the sum over all batches.',
    responses: found('The insights', schemaRef('Insights'), ANSWERS.Insights),
  },
  'GET /v1/insights/{name}': {
    operationId: 'getInsight',
    tags: ['Insights'],
    summary: 'The answer of an insight',
    description:
      'Without `from` and `to`, over all days, as it was built last. For other days it is found at once, which takes some seconds on AWS; where it takes longer, the answer is 503, and the same question finds it a little later. Before the first build, and while there are no rows, the answer has none.',
    parameters: ['Insight', 'From', 'To', 'Rows', 'Format'].map(parameter),
    responses: {
      ...insightFound,
      ...refusing([400, 'BadRange'], [404, 'NotFound'], [422, 'TooMuch']),
    },
  },
  'GET /v1/live': {
    operationId: 'getLive',
    tags: ['Insights'],
    summary: 'What today has brought so far',
    description:
      "Of rows that happened today, on the shop's clock, and are kept: sums of what the ledger says, within seconds of its entry. Money is exact, and rows that come again count once. Files that went to Spark are not in it.",
    responses: found('The figures of today', schemaRef('Live'), ANSWERS.Live),
  },
  'GET /v1/metrics': {
    operationId: 'getMetrics',
    tags: ['The service'],
    summary: 'What was measured, in numbers',
    description:
      'Where the service runs on a laptop: since its data directory was made. On AWS the numbers are in CloudWatch, and the answer is 404.',
    responses: { ...found('The numbers', schemaRef('Metrics'), ANSWERS.Metrics), ...missing },
  },
  'GET /v1/health': {
    operationId: 'getHealth',
    tags: ['The service'],
    summary: 'Whether the service answers, and which version',
    description: 'Public.',
    responses: found('The service answers', schemaRef('Health'), ANSWERS.Health),
  },
  'GET /v1/openapi.json': {
    operationId: 'getOpenApi',
    tags: ['The service'],
    summary: 'This document',
    description: 'Public.',
    responses: found('OpenAPI 3.1', { type: 'object', required: ['openapi', 'info', 'paths'] }),
  },
};

export const SCOPES = {
  'ecomflow/ingest': 'Send rows',
  'ecomflow/read': 'Read',
  'ecomflow/admin': 'Do everything',
} as const;

/** Who may call: a machine with any of the scopes, or a person, whose groups no scheme has a word for. */
const securityOf = (permission: Permission): Schema[] => [
  ...Object.keys(SCOPES)
    .filter((scope) => holds(permission, { groups: [], scopes: [scope] }))
    .map((scope) => ({ machine: [scope] })),
  { person: ['openid'] },
  { token: [] },
];

/** Paths and their operations, from the route table. */
export function paths(): Schema {
  const all: Record<string, Record<string, Schema>> = {};
  for (const [route, operation] of Object.entries(OPERATIONS) as [Route, Operation][]) {
    const [method, path] = route.split(' ') as ['GET' | 'POST', string];
    const permission = ROUTES[route];
    const isPublic = permission === 'public';
    all[path] = {
      ...all[path],
      [method.toLowerCase()]: {
        ...operation,
        description: isPublic ? operation.description : `${operation.description} Needs ${wanted(permission)}.`,
        ...(method === 'GET' && { parameters: [...(operation.parameters ?? []), parameter('IfNoneMatch')] }),
        security: isPublic ? [] : securityOf(permission),
        responses: {
          ...operation.responses,
          ...(!isPublic && refusing([401, 'Unauthorized'], [403, 'Forbidden'])),
          ...refusing([429, 'TooMany'], [500, 'Internal'], [503, 'Busy']),
        },
      },
    };
  }
  return all;
}
