import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import * as index from '../../shared/adapters/aws/index';
import { datasets } from '../../shared/domain/dataset';
import type { BatchHead, ChunkEntry } from '../../shared/domain/ledger';
import type { KeptRow } from '../../shared/domain/outcome';
import type { Chunk } from '../../shared/domain/packing';
import type { Ports } from '../../shared/pipeline/ports';
import type { Grant } from './grants';
import { type Json, ROOT } from './packaged';

/*
 * What the adapters ask of AWS, found by running them against clients that write down each command and send nothing.
 * Every method of every port runs for every data set in two worlds: one where all goes well, and one that refuses every
 * condition.
 */
const NOW = '2026-01-02T03:04:05Z';
const ID = 'a'.repeat(32);

const head: BatchHead = {
  batch_id: ID,
  dataset: 'transactions',
  contract_version: 1,
  format: 'csv',
  columns: ['invoice_no'],
  received: 1,
  slices: [{ start: 0, end: 1, first_line: 2, rows: 1 }],
  received_at: NOW,
  sent_by: 'somebody',
  file: { hash: 'b'.repeat(64), part: 1, parts: 2 },
};
const entry: ChunkEntry = {
  batch_id: ID,
  number: 1,
  chunk_id: ID,
  revision: 0,
  kept: 1,
  duplicate: 0,
  rejected: {},
  cleaned_at: NOW,
};
const chunk: Chunk = { ...head, number: 1, chunk_id: ID, first_line: 2, rows: 1, text: 'x' };
const kept: KeptRow = {
  line_id: ID,
  row: {
    invoice_no: '536365',
    stock_code: '85123A',
    description: null,
    quantity: 1,
    invoice_date: NOW,
    unit_price: '2.55',
    customer_id: '17850',
    country: 'United Kingdom',
  },
};
const line = { ...kept, chunk_id: ID };

const adapters: { readonly [P in keyof Ports]: () => Ports[P] } = { ...index };

type Called = Omit<Ports, 'clock' | 'tokens'>;
/** The ports that call AWS with the function's own rights, and arguments for each of their methods. */
const CALLS: {
  [P in keyof Called]: { [M in keyof Called[P]]: Called[P][M] extends (...args: infer A) => unknown ? A : never };
} = {
  stream: { append: [[{ chunk_id: ID, data: new Uint8Array(1) }]] },
  batches: { open: [head], accept: [ID, NOW], find: [ID] },
  chunks: { find: [ID, 1], record: [entry], fail: [{ batch_id: ID, number: 1, chunk_id: ID, failed_at: NOW }] },
  files: { claim: [{ hash: 'b'.repeat(64), part: 1, parts: 1 }, ID], batches: ['b'.repeat(64)] },
  invoices: { read: [['536365']], write: [[{ invoice_no: '536365', part: 0, version: 1, lines: [line] }]] },
  customers: {
    put: [[{ customer_id: '17850', invoice_no: '536365', invoice_date: NOW, country: 'France' }]],
    invoices: ['17850', { limit: 1 }],
  },
  landing: { append: [chunk, [kept]] },
  rejects: { put: [chunk, [{ line: 2, reason: 'missing', field: 'invoice_no', text: 'x' }]], read: [head, ID] },
  failed: { put: [ID, new Uint8Array(1), new Error('no')] },
};
export type Port = keyof typeof CALLS;

/** What all goes well looks like, for every command at once. */
const WELL = {
  Records: [{ SequenceNumber: '1' }],
  RequestResponses: [{ RecordId: '1' }],
  Items: [],
  UnprocessedItems: {},
};
const REFUSED = Object.assign(new Error('The conditional request failed'), { name: 'ConditionalCheckFailedException' });

const OF_ACCOUNT = 'eu-central-1:123456789012';
const RESOURCES: Record<string, (input: Json) => string[]> = {
  dynamodb: ({ TableName, RequestItems }) =>
    (TableName ? [TableName] : Object.keys(RequestItems)).map((name) => `arn:aws:dynamodb:${OF_ACCOUNT}:table/${name}`),
  kinesis: ({ StreamName }) => [`arn:aws:kinesis:${OF_ACCOUNT}:stream/${StreamName}`],
  firehose: ({ DeliveryStreamName }) => [`arn:aws:firehose:${OF_ACCOUNT}:deliverystream/${DeliveryStreamName}`],
  // Objects are granted by zone.
  s3: ({ Bucket, Key }) => [`arn:aws:s3:::${Bucket}/${Key.split('/')[0]}/*`],
};
const CLIENTS = { dynamodb: DynamoDBClient, kinesis: KinesisClient, firehose: FirehoseClient, s3: S3Client };

/** Actions on resources that a method of a port needs under this environment. */
export async function needsOf(port: Port, method: string, env: Record<string, string>): Promise<Set<Grant>> {
  const needs = new Set<Grant>();
  let refuses = false;
  const before = { ...process.env };
  const spies = Object.entries(CLIENTS).map(([service, { prototype }]) =>
    jest.spyOn(prototype as unknown as { send(command: Json): unknown }, 'send').mockImplementation(async (command) => {
      const action = `${service}:${command.constructor.name.replace(/Command$/, '')}`;
      for (const resource of RESOURCES[service]!(command.input)) needs.add(`${action} on ${resource}`);
      if (refuses && command.input.ConditionExpression) throw REFUSED;
      return WELL;
    }),
  );
  try {
    Object.assign(process.env, { AWS_REGION: 'eu-central-1' }, env);
    const adapter = adapters[port]() as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const args = (CALLS[port] as Record<string, unknown[]>)[method]!;
    for (refuses of [false, true]) {
      for (const dataset of datasets.keys()) {
        // Only the question counts: there is no answer to it that could be made sense of.
        await adapter[method]!(...args.map((arg) => (arg === chunk ? { ...chunk, dataset } : arg))).catch(
          () => undefined,
        );
      }
    }
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.env = before;
  }
  return needs;
}

/** Every command that the adapters' sources make. */
export const COMMANDS: ReadonlySet<string> = new Set(
  sources('shared/adapters/aws').flatMap((text) => [...text.matchAll(/new (\w+)Command\(/g)].map((match) => match[1]!)),
);

/** Methods of ports that a function calls: its handler names the ports, and what its bundle was made from the methods. */
export function callsOf(handler: string, bundled: readonly string[]): [Port, string][] {
  const ports = [...handler.matchAll(/adapters\.(\w+)\(/g)].map((match) => match[1] as Port);
  return ports.flatMap((port) =>
    Object.keys(CALLS[port] ?? {})
      .filter((method) => bundled.some((text) => new RegExp(`\\b${port}\\.${method}\\(`).test(text)))
      .map((method): [Port, string] => [port, method]),
  );
}

export const EVERY_CALL = Object.entries(CALLS).flatMap(([port, methods]) =>
  Object.keys(methods).map((method): [Port, string] => [port as Port, method]),
);

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}
