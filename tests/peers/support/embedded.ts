import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import Papa from 'papaparse';
import { simulate } from '../../../cli/simulator';
import { freePort, npmStart, ROOT } from '../../support/processes';
import { serve } from './processes';

/** A row of the simulated shop, under its CSV's header. */
export type Sent = Readonly<Record<string, string>>;

/** The embedded default as a process of its own, a file of simulated transactions in it. */
export interface Embedded {
  readonly url: string;
  readonly directory: string;
  /** The rows that were loaded, and their file's SHA-256. */
  readonly rows: readonly Sent[];
  readonly hash: string;
  /** A machine's access token, bought as any machine buys it. */
  readonly token: string;
  /** All that it has said so far: the command, and the API that it started. */
  said(): string;
  stop(): Promise<void>;
}

/** How long the start and the load may take on a slow day. */
const START_SECONDS = 120;
const ANSWER_MS = 10_000;

/** Starts it in a folder of its own under the system's temporary one, and waits until every row has its outcome. */
export async function embedded(name: string, count: number): Promise<Embedded> {
  const scratch = mkdtempSync(join(tmpdir(), `ecomflow-${name}-`));
  const directory = join(scratch, 'data');
  const file = join(scratch, 'rows.csv');
  const csv = [...simulate({ dataset: 'transactions', rows: count, seed: 7, dirty: 0.05 })].join('');
  writeFileSync(file, csv);
  const hash = createHash('sha256').update(csv).digest('hex');

  let connection: { url: string; token: string } | undefined;
  const loaded = async () => {
    connection ??= await connect(directory);
    if (!connection) return false;
    const { url, token } = connection;
    const answer = await ask(`${url}/v1/files/${hash}`, { headers: { authorization: `Bearer ${token}` } });
    return answer.ok && ((await answer.json()) as { status: string }).status === 'complete';
  };
  const args = ['--data', file, '--dir', directory, '--port', String(await freePort())];
  const server = await serve(name, process.execPath, [...npmStart(), ...args], loaded, {
    cwd: ROOT,
    seconds: START_SECONDS,
  });
  return {
    ...connection!,
    directory,
    rows: Papa.parse<Sent>(csv, { header: true, skipEmptyLines: true }).data,
    hash,
    said: () => [server.log, join(directory, 'server.log')].map((log) => readFileSync(log, 'utf8')).join('\n'),
    async stop() {
      await server.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The address and a token, once what `npm start` leaves for others is there. */
export async function connect(directory: string): Promise<{ url: string; token: string } | undefined> {
  const file = join(directory, 'connection.json');
  if (!existsSync(file)) return undefined;
  const { url, tokenUrl, id, secret } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  const answer = await ask(tokenUrl!, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  return { url: url!, token };
}

/** fetch with an end to the wait. */
export const ask = (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });

/** The first fault in a log, by its stack. */
export const faultIn = (log: string): string | undefined => log.match(/^.*\n\s+at .+:\d+:\d+\)?$/m)?.[0];

/** What lies in a data directory: rows of each table, records that the stream ever got, files of the lake. */
export function stored(directory: string): Record<string, number> {
  const database = new DatabaseSync(join(directory, 'ecomflow.sqlite'), { readOnly: true, timeout: 10_000 });
  try {
    const counted = (sql: string) => Number((database.prepare(sql).get() as { n: number } | undefined)?.n ?? 0);
    const tables = ['batches', 'invoices', 'customers'].map((table) => [
      table,
      counted(`select count(*) as n from ${table}`),
    ]);
    return {
      ...Object.fromEntries(tables),
      // What was read goes from the table, its number does not come again.
      stream: counted("select seq as n from sqlite_sequence where name = 'stream'"),
      // Not raw/: it is filled a moment later than the ledger.
      ...Object.fromEntries(['landing', 'rejected', 'failed'].map((zone) => [zone, filesIn(join(directory, zone))])),
    };
  } finally {
    database.close();
  }
}

/** Ids of all batches that the ledger has a head of. */
export function batchesIn(directory: string): string[] {
  const database = new DatabaseSync(join(directory, 'ecomflow.sqlite'), { readOnly: true, timeout: 10_000 });
  try {
    return database
      .prepare("select batch_id from batches where entry = 'head'")
      .all()
      .map(({ batch_id }) => String(batch_id));
  } finally {
    database.close();
  }
}

const filesIn = (folder: string): number =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    : 0;
