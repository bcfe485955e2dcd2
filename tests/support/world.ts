import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Context } from 'aws-lambda';
import { stream } from '../../shared/adapters/lambda/stream';
import { type LocalWorld, openWorld } from '../../shared/adapters/local';
import { type Discarded, type EventSourceSettings, runEventSource } from '../../shared/adapters/local/event-source';
import { type Balance, balanceOf, type FilePart } from '../../shared/domain/ledger';
import { type Chunk, unpack } from '../../shared/domain/packing';
import { type CleanPorts, cleanRecords } from '../../shared/pipeline/clean';
import { ingest } from '../../shared/pipeline/ingest';
import { Unavailable } from '../../shared/pipeline/ports';

/** A clock that tests move. */
export class TestClock {
  constructor(private time = Date.parse('2026-03-01T12:00:00Z')) {}
  now = () => new Date(this.time);
  pass(seconds: number) {
    this.time += seconds * 1000;
  }
}

export interface TestWorld extends LocalWorld {
  readonly directory: string;
  readonly clock: TestClock;
  remove(): void;
}

/** An embedded world of its own, in a temporary directory. */
export function testWorld(): TestWorld {
  const directory = mkdtempSync(join(tmpdir(), 'ecomflow-test-'));
  const clock = new TestClock();
  const world = openWorld(directory, clock);
  const remove = () => {
    world.close();
    rmSync(directory, { recursive: true });
  };
  return { ...world, directory, clock, remove };
}

type IngestPorts = Parameters<typeof ingest>[1];

/** Posts a body of rows as a client would, past HTTP. The batch's id. */
export async function post(ports: IngestPorts, dataset: string, text: string, file?: FilePart): Promise<string> {
  const body = { bytes: Buffer.from(text), asText: false, contentType: 'application/octet-stream', type: 'csv' };
  return (await ingest({ dataset, body, sent_by: 'test', file }, ports)).batch_id;
}

/** More tries in a row than this and nothing will come of it. */
const MOST_TRIES = 500;

/** Posts as a client does that hears 503: the same again the next day, until it is taken. The batch's id. */
export async function postUntilTaken(
  ports: IngestPorts & { readonly clock: TestClock },
  ...body: [dataset: string, text: string, file?: FilePart]
): Promise<string> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    try {
      return await post(ports, ...body);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      ports.clock.pass(24 * 60 * 60);
    }
  }
  throw new Error('the body is not taken');
}

/** The chunks in the stream, in its order. */
export const chunksIn = (world: LocalWorld): Chunk[] => world.log.read('reader', 1000).map(({ data }) => unpack(data));

export const CLEAN = 'clean';

const SETTINGS: EventSourceSettings = {
  batchSize: 4,
  batchWindowSeconds: 0,
  reportBatchItemFailures: true,
  bisectBatchOnFunctionError: true,
  maximumRetryAttempts: -1,
  maximumRecordAgeInSeconds: -1,
};

/** Lets the event source deliver until clean is done with the stream. What was discarded. */
export async function drain(
  world: TestWorld,
  ports: CleanPorts = world,
  settings: Partial<EventSourceSettings> = {},
): Promise<Discarded[]> {
  const discarded: Discarded[] = [];
  const handler = stream((records) => cleanRecords(records, ports, () => undefined));
  const stopping = new AbortController();
  let pauses = 0;
  await runEventSource(
    {
      name: CLEAN,
      settings: { ...SETTINGS, ...settings },
      shard: {
        read: (...args) => world.log.read(...args),
        commit(consumer, sequence) {
          world.log.commit(consumer, sequence);
          if (world.log.backlog(consumer) === 0) stopping.abort();
        },
      },
      clock: world.clock,
      async sleep(milliseconds) {
        if (pauses++ === MOST_TRIES) throw new Error('the stream does not get through');
        world.clock.pass(milliseconds / 1000);
      },
      invoke: (event) => handler(event, {} as Context),
      onError: () => undefined,
      discard: async (batch) => void discarded.push(batch),
    },
    stopping.signal,
  );
  return discarded;
}

/** What queries would find: the same for every way in which the same rows can go through. */
export interface Findings {
  /** Per batch; `through` is kept + duplicate: which of two batches a row that is in both counts for is chance. */
  readonly batches: readonly Found[];
  /** Rows kept over all batches. */
  readonly kept: number;
  /** `invoice_no line_id` of every stored line, sorted, doubles included. */
  readonly lines: readonly string[];
  readonly customers: readonly unknown[];
  /** line_id of every row in landing, doubles taken out as curated does. */
  readonly landed: readonly string[];
  /** `line reason field text cleaned` of every refused row, sorted. */
  readonly refused: readonly string[];
}

/** What the ledger says of a batch. */
export type Found = Pick<Balance, 'received' | 'rejected' | 'balanced' | 'status'> & { readonly through: number };

/** Asks every store what it has. */
export async function findings(world: TestWorld, batchIds: readonly string[]): Promise<Findings> {
  const batches: Found[] = [];
  const refused: string[] = [];
  let kept = 0;
  for (const id of batchIds) {
    const batch = (await world.batches.find(id))!;
    const balance = balanceOf(batch);
    kept += balance.kept;
    const { received, duplicate, rejected, balanced, status } = balance;
    batches.push({ received, through: balance.kept + duplicate, rejected, balanced, status });
    for (const { chunk_id } of batch.entries) {
      const rows = await world.rejects.read(batch.head, chunk_id);
      for (const { line, reason, field, text, cleaned } of rows)
        refused.push(`${id} ${line} ${reason} ${field} ${text} ${JSON.stringify(cleaned)}`);
    }
  }
  const database = world.inspect();
  const lines = database
    .all<{ invoice_no: string; lines: string }>('select invoice_no, lines from invoices order by invoice_no, part')
    .flatMap(({ invoice_no, lines: body }) =>
      (JSON.parse(body) as { line_id: string }[]).map(({ line_id }) => `${invoice_no} ${line_id}`),
    );
  const customers = database
    .all('select * from customers order by customer_id, invoice_no')
    .map((row) => ({ ...(row as object) }));
  return {
    batches,
    kept,
    lines: lines.sort(),
    customers,
    landed: await landed(world.directory),
    refused: refused.sort(),
  };
}

/** Every distinct line_id in landing, by reading the Parquet files with DuckDB. */
async function landed(directory: string): Promise<string[]> {
  if (!readdirSync(directory).includes('landing')) return [];
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const result = await connection.runAndReadAll(
      `select distinct line_id from read_parquet('${join(directory, 'landing')}/*/*/*.parquet') order by 1`,
    );
    return result.getRows().map(([line_id]) => String(line_id));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
