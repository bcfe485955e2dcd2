import type { Schema } from '../describe';
import { PROBLEMS, Problem, type ProblemCode } from '../problem';
import { schemaRef } from './schemas';

/** Seconds after which a busy service is worth another try. */
const RETRY_AFTER_SECONDS = 5;

const codesOf = (status: number): ProblemCode[] =>
  (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => PROBLEMS[code].status === status);

interface Refusal {
  readonly description: string;
  /** Codes it may have; all of the status by default. */
  readonly codes?: readonly ProblemCode[];
  readonly example: Problem;
  readonly path: string;
  /** The gateway's own message for this status, if it has one. */
  readonly gateway?: string;
  readonly headers?: Schema;
}

function refusal({ description, example, path, gateway, headers, codes = codesOf(example.status) }: Refusal): Schema {
  return {
    description: `${description} Code ${codes.map((code) => `\`${code}\``).join(', ')}.${gateway === undefined ? '' : " The gateway's own answer has a message and no code."}`,
    ...(headers && { headers }),
    content: {
      'application/problem+json': { schema: schemaRef('Problem'), example: { ...example.toJSON(), instance: path } },
      ...(gateway !== undefined && {
        'application/json': { schema: schemaRef('GatewayMessage'), example: { message: gateway } },
      }),
    },
  };
}

const ours = { request_id: 'JKJaXmPLvHcESHA=' };

/** Answers that say no. */
export const RESPONSES: Readonly<Record<string, Schema>> = {
  BadBody: refusal({
    description: 'The body, its header or a parameter cannot be taken; nothing is stored.',
    codes: codesOf(400).filter((code) => code !== 'invalid_cursor'),
    path: '/v1/transactions',
    example: new Problem(
      'unknown_column',
      'The column "Colour" is not one of transactions; case, spaces and underscores do not count.',
      { column: 'Colour', accepted: { invoice_no: ['InvoiceNo', 'Invoice'] } },
    ),
  }),
  BadQuestion: refusal({
    description: 'A parameter cannot be taken.',
    codes: ['invalid_parameter', 'invalid_cursor'],
    path: '/v1/customers/17850/invoices',
    example: new Problem('invalid_parameter', 'limit is a number from 1 to 1000.', { parameter: 'limit' }),
  }),
  BadRange: refusal({
    description: 'A parameter cannot be taken.',
    codes: ['invalid_parameter'],
    path: '/v1/insights/sales_by_day',
    example: new Problem('invalid_parameter', 'from is a day, as 2011-01-31.', { parameter: 'from' }),
  }),
  TooMuch: refusal({
    description: 'The days asked for have more than may be read for one answer.',
    path: '/v1/insights/sales_by_day',
    example: new Problem('too_much', 'So many days are too much to be read at once. Narrow the range: from and to.'),
  }),
  BadUpload: refusal({
    description: 'The file cannot be uploaded as it is described; nothing is stored.',
    codes: ['invalid_parameter'],
    path: '/v1/uploads',
    example: new Problem('invalid_parameter', 'type is csv, json or ndjson.', {
      parameter: 'type',
      accepted: ['csv', 'json', 'ndjson'],
    }),
  }),
  BadKey: refusal({
    description: 'The key cannot be one of the inbox.',
    codes: ['invalid_parameter'],
    path: '/v1/arrivals',
    example: new Problem('invalid_parameter', 'key is a key of the inbox, inbox/DATASET/NAME, of at most 1024 bytes.', {
      parameter: 'key',
    }),
  }),
  Unauthorized: refusal({
    description: 'No access token, or one that is not valid.',
    path: '/v1/transactions',
    example: new Problem('unauthorized', 'Send an access token: Authorization: Bearer TOKEN.'),
    gateway: 'Unauthorized',
    headers: { 'WWW-Authenticate': { description: '`Bearer`', schema: { type: 'string' } } },
  }),
  Forbidden: refusal({
    description: 'The token is valid and does not allow this.',
    path: '/v1/transactions',
    example: new Problem('forbidden', 'This needs group ingest or admin, or scope ecomflow/ingest or ecomflow/admin.'),
  }),
  NotFound: refusal({
    description: 'There is no such thing.',
    path: '/v1/invoices/1',
    example: new Problem('not_found', 'There is no such invoice.'),
  }),
  Conflict: refusal({
    description: 'The part of the file came before with other content; nothing is stored.',
    path: '/v1/transactions',
    example: new Problem(
      'conflict',
      'Part 2 of this file came before with other rows, as another data set, or as one of 3 parts.',
      {
        batch_id: '0f8fad5b4c1d4e2a9b7c6d5e4f3a2b1c',
        parts: 3,
      },
    ),
  }),
  BadOrder: refusal({
    description: 'The body is no order of a redrive; nothing is done.',
    codes: ['invalid_parameter'],
    path: '/v1/batches/d2f1a6c0b94e4f7a8c35e61907b2d48f/redrive',
    example: new Problem('invalid_parameter', 'replay is true or false.', { parameter: 'replay' }),
  }),
  UnderWay: refusal({
    description: 'The batch is not through yet, or cannot be replayed; nothing is done.',
    path: '/v1/batches/d2f1a6c0b94e4f7a8c35e61907b2d48f/redrive',
    example: new Problem('conflict', 'The batch is being cleaned: ask again when every row has its outcome.', {
      batch_status: 'accepted',
    }),
  }),
  TooLargeOrder: refusal({
    description: 'The body is over the limit.',
    path: '/v1/batches/d2f1a6c0b94e4f7a8c35e61907b2d48f/redrive',
    example: new Problem('too_large', 'The body has 5000 bytes; 4096 are taken.', { limit: 4096 }),
    gateway: 'Request Entity Too Large',
  }),
  TooLarge: refusal({
    description: 'The body is over a limit. Send it in parts.',
    path: '/v1/transactions',
    example: new Problem('too_large', 'The body has 5000000 bytes; 4194304 are taken.', { limit: 4194304 }),
    gateway: 'Request Entity Too Large',
  }),
  TooLargeUpload: refusal({
    description: 'The file is over what one PUT takes, or its description is over the limit.',
    path: '/v1/uploads',
    example: new Problem('too_large', 'The file has 6000000000 bytes; an upload has at most 5368709120.', {
      limit: 5368709120,
    }),
    gateway: 'Request Entity Too Large',
  }),
  UnsupportedType: refusal({
    description: 'The content type is not taken.',
    path: '/v1/transactions',
    example: new Problem('unsupported_type', 'The content type "text/plain" is not taken.', {
      accepted: ['text/csv', 'application/json', 'application/x-ndjson'],
    }),
  }),
  TooMany: {
    description: "Requests come faster than the stage allows. The gateway's own answer; send again more slowly.",
    content: {
      'application/json': { schema: schemaRef('GatewayMessage'), example: { message: 'Too Many Requests' } },
    },
  },
  Internal: refusal({
    description: 'A fault of ours, which is logged under the request id. Sending again is safe.',
    path: '/v1/transactions',
    example: new Problem('internal', 'The fault is logged. Say the request id when you ask about it.', ours),
    gateway: 'Internal Server Error',
  }),
  Busy: refusal({
    description: 'The service is busy. Send the request again: whatever of it was taken is taken once.',
    path: '/v1/transactions',
    example: new Problem('try_later', 'Nothing is wrong with the request. Send it again in a few seconds.', ours),
    gateway: 'Service Unavailable',
    headers: {
      'Retry-After': {
        description: 'Seconds to wait',
        schema: { type: 'integer', minimum: 1 },
        example: RETRY_AFTER_SECONDS,
      },
    },
  }),
  NotModified: {
    description: 'The answer is the one that the client has.',
    headers: { ETag: { $ref: '#/components/headers/ETag' } },
  },
};
