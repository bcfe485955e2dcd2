import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type GetQueryResultsOutput,
  type QueryExecution,
  type QueryExecutionStatus,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import type { S3Client } from '@aws-sdk/client-s3';
import { curationKey } from '../../domain/lake';
import { athenaTables } from '../../domain/tables';
import { type Curation, type Engine, type QueryAnswer, StillRunning, TooMuch, Unavailable } from '../../pipeline/ports';
import { reach } from './errors';
import { HTTP_OBJECTS, RETRIES } from './http';
import { putObject, readObject } from './objects';

/** Where Athena runs, and against what. */
export interface AthenaPlace {
  readonly workgroup: string;
  readonly database: string;
}

/** What time it is, in milliseconds, and how it passes. */
export interface Time {
  now(): number;
  pause(milliseconds: number): Promise<unknown>;
}
const TIME: Time = { now: Date.now, pause: (milliseconds) => sleep(milliseconds) };

let client: AthenaClient | undefined;

/** The function's one Athena client. */
export function athena(): AthenaClient {
  client ??= new AthenaClient({ ...RETRIES, requestHandler: HTTP_OBJECTS });
  return client;
}

const MINUTE_MS = 60_000;
/** How old an answer may be that is asked for once more: insights change by night. */
const REUSED_MINUTES = 60;
/** The gateway waits for 30 seconds, and a function has other things to do in them. */
const ASKED_MS = 20_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** Clocks of AWS differ by less. */
const SKEW_MS = 1_000;
const MOST_TRIES = 50;

/** Insights by Athena. A statement that another asked within the hour is that run, or its answer. */
export function athenaEngine(client: Pick<AthenaClient, 'send'>, place: AthenaPlace, time: Time = TIME): Engine {
  return {
    tables: async () => athenaTables,
    query(statement, since) {
      const round = since ?? `hour ${Math.floor(time.now() / (REUSED_MINUTES * MINUTE_MS))}`;
      const reused = since === undefined ? REUSED_MINUTES : undefined;
      // What broke, or was too much, is that again: nobody pays for it twice.
      const isFinal = (failure: Error) => !(failure instanceof Unavailable);
      return answerOf(statement, { client, place, time, round, within: ASKED_MS, reused, isFinal });
    },
  };
}

/** Merges by Athena, and its notes in the lake. */
export function athenaCuration(
  client: Pick<AthenaClient, 'send'>,
  s3: Pick<S3Client, 'send'>,
  alone: Curation['alone'],
  { bucket, ...place }: AthenaPlace & { readonly bucket: string },
  time: Time = TIME,
): Curation {
  return {
    alone,
    lake: `s3://${bucket}`,
    // Whatever it failed of may have been mended since.
    run: (statement, how) => answerOf(statement, { client, place, time, ...how, isFinal: () => false }),
    async noted(dataset) {
      const bytes = await readObject(s3, bucket, curationKey(dataset));
      return bytes && Buffer.from(bytes).toString('utf8');
    },
    note: (dataset, json) => putObject(s3, bucket, curationKey(dataset), json, 'application/json'),
  };
}

/** How a statement is run. */
interface Asked {
  readonly client: Pick<AthenaClient, 'send'>;
  readonly place: AthenaPlace;
  readonly time: Time;
  /** The same statement of the same round is the same run. */
  readonly round: string;
  /** Milliseconds that it is waited for. */
  readonly within: number;
  /** Minutes that an answer may be old. */
  readonly reused?: number | undefined;
  /** Whether a run that failed before this call is left at that. */
  readonly isFinal: (failure: Error) => boolean;
}

async function answerOf(statement: string, asked: Asked): Promise<QueryAnswer> {
  const { client, time, isFinal } = asked;
  const began = time.now();
  for (let tries = 0; ; tries++) {
    const id = await started(statement, tries, asked);
    const { Status, Statistics } = await ended(id, began, asked);
    if (Status?.State === 'SUCCEEDED') {
      const answer = asksForRows(statement) ? await rowsOf(client, id) : { columns: [], rows: [] };
      return { ...answer, scanned_bytes: Statistics?.DataScannedInBytes };
    }
    const failure = failureOf(id, Status);
    const isOld = (Status?.SubmissionDateTime?.getTime() ?? began) < began - SKEW_MS;
    if (!isOld || isFinal(failure) || tries === MOST_TRIES) throw failure;
  }
}

/**
 * Starts a run, or finds it: a token has one, whoever sends it. Its length is 32 to 128 characters (Amazon Athena,
 * StartQueryExecution).
 */
async function started(statement: string, tries: number, { client, place, round, reused }: Asked): Promise<string> {
  const { workgroup, database } = place;
  const token = createHash('sha256').update(JSON.stringify([workgroup, database, statement, round, tries]));
  const { QueryExecutionId } = await reach('starting a query', () =>
    client.send(
      new StartQueryExecutionCommand({
        QueryString: statement,
        ClientRequestToken: token.digest('hex'),
        WorkGroup: workgroup,
        QueryExecutionContext: { Database: database },
        ...(reused !== undefined && {
          ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: true, MaxAgeInMinutes: reused } },
        }),
      }),
    ),
  );
  return QueryExecutionId!;
}

/** Waits for the end of a run. @throws StillRunning */
async function ended(id: string, began: number, { client, time, within }: Asked): Promise<QueryExecution> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const asked = new GetQueryExecutionCommand({ QueryExecutionId: id });
    const { QueryExecution } = await reach(`asking for query ${id}`, () => client.send(asked));
    const state = QueryExecution?.Status?.State;
    if (state !== 'QUEUED' && state !== 'RUNNING') return QueryExecution!;
    const left = began + within - time.now();
    if (left <= 0) throw new StillRunning(`query ${id} is ${state} after ${within} ms`);
    await time.pause(Math.min(pause, left));
  }
}

const asksForRows = (statement: string) => /^\s*(select|with)\b/i.test(statement);

/** All of an answer. Its first row is the header; a cell without a value is null. */
async function rowsOf(client: Pick<AthenaClient, 'send'>, id: string): Promise<QueryAnswer> {
  let columns: string[] | undefined;
  const rows: (string | null)[][] = [];
  let NextToken: string | undefined;
  do {
    const asked = new GetQueryResultsCommand({ QueryExecutionId: id, MaxResults: 1000, NextToken });
    const page: GetQueryResultsOutput = await reach(`reading query ${id}`, () => client.send(asked));
    const { Rows = [], ResultSetMetadata } = page.ResultSet ?? {};
    const cells = Rows.map(({ Data = [] }) => Data.map(({ VarCharValue }) => VarCharValue ?? null));
    rows.push(...(columns === undefined ? cells.slice(1) : cells));
    columns ??= (ResultSetMetadata?.ColumnInfo ?? []).map(({ Name = '' }) => Name);
    NextToken = page.NextToken;
  } while (NextToken);
  return { columns, rows };
}

const SYSTEM = 1;
/** The workgroup's limit (`athena` in the stage file), and Athena's own: resources, and 30 minutes. */
const TOO_MUCH = /bytes scanned limit|EXCEEDED_TIME_LIMIT|EXCEEDED_MEMORY_LIMIT|exhausted resources|query timeout/i;
/** OPTIMIZE goes through 100 partitions at a time, VACUUM through 20,000 files. */
const MORE_TO_DO = /ICEBERG_(OPTIMIZE|VACUUM)_MORE_RUNS_NEEDED/;
/** Another came first, S3 or Glue is busy. */
const BUSY =
  /ICEBERG_COMMIT_ERROR|SlowDown|Throttl|TooManyRequests|Rate exceeded|ConcurrentModification|Please try again/i;

/** Why a run has no answer, in the words of our errors. A failure that is left is a defect: of the statement or its table. */
function failureOf(id: string, status: QueryExecutionStatus | undefined): Error {
  const { State, StateChangeReason, AthenaError } = status ?? {};
  const why = AthenaError?.ErrorMessage ?? StateChangeReason ?? 'Athena does not say why';
  const said = `${StateChangeReason} ${why}`;
  const text = `query ${id} is ${State}: ${why}`;
  if (TOO_MUCH.test(said)) return new TooMuch(text);
  if (MORE_TO_DO.test(said)) return new StillRunning(text);
  const isBusy = State === 'CANCELLED' || AthenaError?.Retryable || AthenaError?.ErrorCategory === SYSTEM;
  return isBusy || BUSY.test(said) ? new Unavailable(text) : new Error(text);
}
