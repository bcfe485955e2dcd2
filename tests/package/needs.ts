import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { GlueClient } from '@aws-sdk/client-glue';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import * as index from '../../shared/adapters/aws/index';
import type { Incident } from '../../shared/domain/alert';
import type { Arrival, InboxFile } from '../../shared/domain/arrival';
import type { BulkJob } from '../../shared/domain/bulk';
import { datasets } from '../../shared/domain/dataset';
import type { BatchHead, ChunkEntry } from '../../shared/domain/ledger';
import type { KeptRow } from '../../shared/domain/outcome';
import type { Chunk } from '../../shared/domain/packing';
import type { Readable } from '../../shared/domain/parquet-reader';
import type { Attempt } from '../../shared/domain/redrive';
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

const file: InboxFile = { key: 'inbox/transactions/a.csv', version: 'v1', checksum: 'c', bytes: 1, arrived_at: NOW };
const arrival: Arrival = { ...file, state: 'reading', sent_by: 'somebody', lease: { holder: 'h', until: NOW } };
const landedFile = { key: 'landing/transactions/dt=2026-03-01/a.parquet', etag: 'e', bytes: 1, day: '2026-03-01' };
const job: BulkJob = {
  batch_id: ID,
  dataset: 'transactions',
  key: file.key,
  version: 'v1',
  bytes: 6 * 1024 ** 3, // more than S3 copies at once
  format: 'csv',
  charset: 'utf-8',
  compression: 'none',
  columns: ['invoice_no'],
  header_lines: 1,
  received_at: NOW,
  sent_by: 'somebody',
};

const incident: Incident = { id: ID, kind: 'file_refused', at: NOW, facts: {} };
const attempt: Attempt = {
  batch_id: ID,
  dataset: 'transactions',
  chunk_id: ID,
  number: 1,
  revision: 1,
  contract_version: 1,
  begun_at: NOW,
  by: 'somebody',
  rows: [],
  left: [],
};

const adapters: { readonly [P in keyof Ports]: () => Ports[P] } = { ...index };

type Called = Omit<Ports, 'clock' | 'tokens' | 'pace' | 'bulk' | 'warehouse' | 'curation' | 'telemetry'> & {
  readonly bulk: Pick<Ports['bulk'], 'start'>;
  readonly warehouse: Pick<Ports['warehouse'], 'use'>;
  readonly curation: Omit<Ports['curation'], 'lake'>;
};
/** Arguments of several calls, for a method that asks for one thing or another. */
class Several<A> {
  readonly lists: readonly A[];
  constructor(...lists: readonly A[]) {
    this.lists = lists;
  }
}
type Arguments<F> = F extends (...args: infer A) => unknown ? A | Several<A> : never;

/** The ports that call AWS with the function's own rights, and arguments for each of their methods. */
const CALLS: {
  [P in keyof Called]: { [M in keyof Called[P]]: Arguments<Called[P][M]> };
} = {
  stream: { append: [[{ chunk_id: ID, data: new Uint8Array(1) }]] },
  batches: { open: [head], accept: [ID, NOW], find: [ID] },
  chunks: {
    find: [ID, 1],
    record: [entry],
    revise: [entry],
    fail: [{ batch_id: ID, number: 1, chunk_id: ID, failed_at: NOW }],
  },
  files: { claim: [{ hash: 'b'.repeat(64), part: 1, parts: 1 }, ID], batches: ['b'.repeat(64)] },
  invoices: { read: [['536365']], write: [[{ invoice_no: '536365', part: 0, version: 1, lines: [line] }]] },
  customers: {
    put: [[{ customer_id: '17850', invoice_no: '536365', invoice_date: NOW, country: 'France' }]],
    invoices: ['17850', { limit: 1 }],
  },
  landing: { append: [chunk, [kept]] },
  rejects: { put: [chunk, [{ line: 2, reason: 'missing', field: 'invoice_no', text: 'x' }]], read: [head, ID] },
  failed: { put: [ID, new Uint8Array(1), new Error('no')] },
  inbox: {
    look: [file.key, 'v1'],
    read: [file, 0],
    keepRefused: [file, 'transactions', { code: 'empty_body', detail: '', facts: {} }],
    remove: [file],
  },
  arrivals: { claim: [arrival, NOW], note: [arrival], of: [file.key], ofRun: ['jr_1'] },
  senders: { announce: [file.key, 'somebody'], find: [file.key] },
  uploads: { sign: [{ key: file.key, bytes: 1, contentType: 'text/csv', seconds: 900 }] },
  backlog: { unfinished: [] },
  bulk: { start: [job] },
  bulkOutput: { manifest: [chunk], read: [chunk], replace: [chunk, [kept]] },
  later: { again: [file, 0] },
  landed: { list: ['transactions', '2026-03-01'], open: [landedFile] },
  warehouse: { use: [async () => undefined] },
  reports: { keep: [{ id: ID, began_at: NOW }] },
  watch: {
    untold: [],
    told: [ID],
    tell: [
      { batch_id: ID, received_at: NOW, mark: NOW },
      { at: NOW, kept: 1, duplicate: 0, rejected: {} },
    ],
    again: [ID, NOW],
    alone: [60, async () => undefined],
  },
  incidents: { keep: [incident, NOW], held: [], told: [[incident]] },
  notes: {
    read: new Several<[string]>(
      ['failed/a.error.json'],
      ['aws/lambda/a'],
      ['rejected/files/events/a.reason.json'],
      ['reports/nightly/a.json'],
    ),
  },
  post: { send: [{ id: ID, kind: 'nightly', severity: 'info', subject: 's', body: 'b' }] },
  history: { batches: [NOW] },
  attempts: { begin: [attempt], find: [chunk, 1] },
  orders: { put: [{ batch_id: ID, by: 'somebody' }] },
  failures: {
    list: [],
    read: new Several<[string]>(['failed/a.chunk'], ['aws/lambda/a']),
    remove: new Several<[string]>(['failed/a.chunk'], ['aws/lambda/a']),
  },
  raw: { list: ['2026-03-01'], read: ['raw/dt=2026-03-01/a'], keep: ['dt=2026-03-01/a', new Uint8Array(1)] },
  refusals: { list: ['transactions', '2026-03-01'], read: ['rejected/transactions/dt=2026-03-01/a.ndjson.gz'] },
  lines: { all: [] },
  recount: {
    byBatch: ['transactions', NOW],
    keep: ['transactions', NOW, { rows: 1, distinct: 1, loaded_at: NOW, batches: new Map() }],
  },
  engine: { tables: [], query: ['select 1'] },
  built: { keep: ['sales_by_day', '{}'], find: ['sales_by_day'] },
  profiles: { keep: [{ first: 0, last: 255 }, []], find: ['17850'] },
  curation: {
    run: ['select 1', { round: 'r', within: 1000 }],
    noted: ['transactions'],
    note: ['transactions', '{}'],
    alone: [60, async () => undefined],
  },
  live: {
    put: [chunk, new Map()],
    touch: [{ dataset: 'transactions', at: '2026-03-01T12' }],
    pieces: ['transactions', '2026-03-01T12:00', '2026-03-01T12:34'],
    marks: [{ dataset: 'transactions', at: '2026-03-01' }],
    sums: [{ dataset: 'transactions', at: '2026-03-01' }, '2026-03-01T12', '2026-03-01T13'],
    keep: [
      { dataset: 'transactions', at: '2026-03-01T12' },
      { mark: 0, figures: new Map() },
    ],
  },
};
export type Port = keyof typeof CALLS;

/** What all goes well looks like, for every command at once. */
const WELL = {
  Records: [{ SequenceNumber: '1' }],
  RequestResponses: [{ RecordId: '1' }],
  Items: [],
  UnprocessedItems: {},
  QueryExecutionId: '1',
  QueryExecution: { Status: { State: 'SUCCEEDED' } },
};
const REFUSED = Object.assign(new Error('The conditional request failed'), { name: 'ConditionalCheckFailedException' });

const OF_ACCOUNT = 'eu-central-1:123456789012';
const RESOURCES: Record<string, (input: Json) => string[]> = {
  dynamodb: ({ TableName, IndexName, RequestItems }) =>
    (TableName ? [TableName] : Object.keys(RequestItems)).map(
      (name) => `arn:aws:dynamodb:${OF_ACCOUNT}:table/${name}${IndexName ? `/index/${IndexName}` : ''}`,
    ),
  kinesis: ({ StreamName }) => [`arn:aws:kinesis:${OF_ACCOUNT}:stream/${StreamName}`],
  firehose: ({ DeliveryStreamName }) => [`arn:aws:firehose:${OF_ACCOUNT}:deliverystream/${DeliveryStreamName}`],
  glue: ({ JobName }) => [`arn:aws:glue:${OF_ACCOUNT}:job/${JobName}`],
  sqs: ({ QueueUrl }) => [`${QueueUrl}.Arn`], // as the template names it
  sns: ({ TopicArn }) => [TopicArn], // the same
  // Objects are granted by zone.
  s3: ({ Bucket, Key }) => [Key === undefined ? `arn:aws:s3:::${Bucket}` : zoneOf(Bucket, Key)],
  secretsmanager: ({ SecretId }) => [SecretId], // the template's name of it
  // A run is granted by the workgroup that it is in.
  athena: ({ WorkGroup }) => [`arn:aws:athena:${OF_ACCOUNT}:workgroup/${WorkGroup}`],
};
/** Lambda chooses the place of its failure destination, two folders deep. */
const zoneOf = (bucket: string, key: string) =>
  `arn:aws:s3:::${bucket}/${key.startsWith('aws/lambda/') ? 'aws/lambda' : key.split('/')[0]}/*`;
const CLIENTS = {
  dynamodb: DynamoDBClient,
  kinesis: KinesisClient,
  firehose: FirehoseClient,
  glue: GlueClient,
  sqs: SQSClient,
  sns: SNSClient,
  s3: S3Client,
  secretsmanager: SecretsManagerClient,
  athena: AthenaClient,
};

/** A command as a client was given it. */
interface Sent {
  readonly service: string;
  readonly command: string;
  readonly input: Json;
}

/** The commands of S3 whose actions are called otherwise (Amazon S3, required permissions for API operations). */
const ACTIONS: Record<string, readonly string[]> = {
  HeadObject: ['GetObject'],
  ListObjectsV2: ['ListBucket'],
  CopyObject: ['PutObject'],
  CreateMultipartUpload: ['PutObject'],
  UploadPartCopy: ['PutObject'],
  CompleteMultipartUpload: ['PutObject'],
};
/** Actions that have one of their own for a version. */
const OF_VERSIONS = new Set(['GetObject', 'DeleteObject']);

function grantsFor({ service, command, input }: Sent): Grant[] {
  const actions = (service === 's3' && ACTIONS[command]) || [command];
  const onVersions = input.VersionId
    ? actions.filter((name) => OF_VERSIONS.has(name)).map((name) => `${name}Version`)
    : [];
  const grants = RESOURCES[service]!(input).flatMap((resource) =>
    [...actions, ...onVersions].map((action): Grant => `${service}:${action} on ${resource}`),
  );
  if (!input.CopySource) return grants;
  const [bucket, ...key] = (input.CopySource as string).split('?')[0]!.split('/');
  const source = zoneOf(bucket!, key.join('/'));
  return [...grants, `s3:GetObject on ${source}`, `s3:GetObjectVersion on ${source}`];
}

/** What a method of a port sends under this environment. */
async function sentBy(port: Port, method: string, env: Record<string, string>): Promise<Sent[]> {
  const sent: Sent[] = [];
  let refuses = false;
  const before = { ...process.env };
  const spies = Object.entries(CLIENTS).map(([service, { prototype }]) =>
    jest.spyOn(prototype as unknown as { send(command: Json): unknown }, 'send').mockImplementation(async (command) => {
      const input = { ...(service === 'athena' && { WorkGroup: env.ATHENA_WORKGROUP }), ...command.input };
      sent.push({ service, command: command.constructor.name.replace(/Command$/, ''), input });
      if (refuses && command.input.ConditionExpression) throw REFUSED;
      return WELL;
    }),
  );
  try {
    Object.assign(process.env, { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' }, env);
    const adapter = adapters[port]() as unknown as Record<string, (...args: unknown[]) => unknown>;
    const args = (CALLS[port] as Record<string, unknown[] | Several<unknown[]>>)[method]!;
    for (refuses of [false, true]) {
      for (const dataset of datasets.keys()) {
        for (const list of args instanceof Several ? args.lists : [args]) {
          // Only the question counts: there is no answer to it that could be made sense of.
          const answer = await all(
            adapter[method]!(...list.map((arg) => (arg === chunk ? { ...chunk, dataset } : arg))),
          ).catch(() => undefined);
          sent.push(...signedIn(answer));
        }
      }
    }
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.env = before;
  }
  return sent;
}

/** What a method answers, to its end. */
async function all(answer: unknown): Promise<unknown> {
  if (answer instanceof Object && 'slice' in answer) return (answer as Readable).slice(0, 1);
  if (!(Symbol.asyncIterator in Object(answer))) return answer;
  for await (const _ of answer as AsyncIterable<unknown>);
  return undefined;
}

/** An address that was signed is sent by somebody else, with the rights of the function. */
function signedIn(answer: unknown): Sent[] {
  const { url } = Object(answer) as { url?: string };
  if (url === undefined) return [];
  const { hostname, pathname, searchParams } = new URL(url);
  const [Bucket] = hostname.split('.');
  return [{ service: 's3', command: searchParams.get('x-id')!, input: { Bucket, Key: pathname.slice(1) } }];
}

/** Actions on resources that a method of a port needs under this environment. */
export const needsOf = async (port: Port, method: string, env: Record<string, string>): Promise<Set<Grant>> =>
  new Set((await sentBy(port, method, env)).flatMap(grantsFor));

/** The commands that a method of a port sends. */
export const commandsOf = async (port: Port, method: string, env: Record<string, string>): Promise<string[]> =>
  (await sentBy(port, method, env)).map(({ command }) => command);

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
