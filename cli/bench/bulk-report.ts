import { accountedFor, type Counts } from '../../shared/domain/outcome';
import { type Limit, median, number, type Report } from './report';
import { MASTER, NO_SPARK } from './spark';

export const DUCKDB = 'DuckDB, CSV to Parquet, one thread';
export const SMALL = 'small path';
export const SMALL_GZ = 'small path, from .csv.gz';
export const SPARK = `Spark ${MASTER}`;
export const CLAIMED = `Spark ${MASTER}, then the claim`;
type Engine = typeof DUCKDB | typeof SMALL | typeof SMALL_GZ | typeof SPARK | typeof CLAIMED;

/** One run of an engine over the whole file. */
export interface EngineRun {
  /** From the file to its rows: without the start of its process, but for Spark. */
  readonly seconds: number;
  /** Start and end of its process included. */
  readonly wholeSeconds: number;
  readonly peakBytes: number | undefined;
  readonly counts: Counts;
}
export type Round = Partial<Readonly<Record<Engine, EngineRun>>>;

/** One run of the small path over a simulated file. */
export interface Sized {
  readonly bytes: number;
  readonly rows: number;
  readonly seconds: number;
  readonly peakBytes: number | undefined;
}

/** What the rounds, and the small path on files of several sizes, come to. */
export function bulkReport(rows: number, rounds: readonly Round[], grown: readonly Sized[]): Report {
  const engines = ([DUCKDB, SMALL, SMALL_GZ, SPARK, CLAIMED] as const).filter((engine) => rounds[0]![engine]);
  const of = (engine: Engine) => rounds.map((round) => round[engine]!);
  const seconds = (engine: Engine) => median(of(engine).map((run) => run.seconds));
  const whole = (engine: Engine) => median(of(engine).map((run) => run.wholeSeconds));
  /** The median over rounds, each round by itself. */
  const times = (engine: Engine, other: Engine, what: 'seconds' | 'wholeSeconds') =>
    median(rounds.map((round) => round[engine]![what] / round[other]![what]));
  const peak = (engine: Engine) => most(of(engine).map((run) => run.peakBytes));
  const hasSpark = engines.includes(SPARK);
  const growth = memoryGrowth(grown);

  const limits: Limit[] = [
    {
      what: 'time of the small path to that of DuckDB',
      measured: times(SMALL, DUCKDB, 'seconds'),
      unit: '×',
      bound: 'at most',
      limit: 12,
    },
    ...(hasSpark
      ? [
          {
            what: `time of the small path to that of ${SPARK}, both with their start`,
            measured: times(SMALL, SPARK, 'wholeSeconds'),
            unit: '×',
            bound: 'at most',
            limit: 1,
          } as const,
        ]
      : []),
    {
      what: 'rows that an engine counts otherwise than the small path',
      measured: Math.max(...engines.flatMap((engine) => rounds.map((round) => differing(round, engine)))),
      unit: '',
      bound: 'at most',
      limit: 0,
    },
    ...(growth === undefined
      ? []
      : [
          {
            what: `peak memory of the small path for ${megabytes(grown.at(-1)!.bytes)} to that for ${megabytes(grown[0]!.bytes)}`,
            measured: growth,
            unit: '×',
            bound: 'at most',
            limit: 1.25,
          } as const,
        ]),
  ];
  return {
    title: 'Bulk files',
    limits,
    tables: [
      {
        title: `The whole file (${number(rows)} rows, ${rounds.length === 1 ? 'one round' : `median of ${rounds.length} rounds`})`,
        head: ['', 'seconds', 'rows/s', 'time, DuckDB = 1', 'seconds with the start of its process', 'peak memory'],
        rows: engines.map((engine) => [
          engine,
          seconds(engine).toFixed(1),
          number(rows / seconds(engine)),
          times(engine, DUCKDB, 'seconds').toFixed(1),
          whole(engine).toFixed(1),
          memory(peak(engine)),
        ]),
      },
      {
        title: 'The small path as files grow (simulated shop, one run each)',
        head: ['CSV', 'rows', 'seconds', 'rows/s', 'peak memory'],
        rows: grown.map((run) => [
          megabytes(run.bytes),
          number(run.rows),
          run.seconds.toFixed(1),
          number(run.rows / run.seconds),
          memory(run.peakBytes),
        ]),
      },
    ],
    notes: [
      ...(hasSpark ? [] : [NO_SPARK]),
      'The small path is timed from putting the file into the inbox until its ledger balances: checksum, two walks over the file, the stream, clean, invoices, customers, Parquet, refused rows and raw/, all in one process, as npm start has it; clean waits a second at the end for its last batch to fill (batchWindow in serverless.yml), which is in. The two seconds in which npm start waits for a file to stop growing are not.',
      'DuckDB types and judges rows by the same rules and writes the accepted ones, each once, as Parquet: no line_id, no text of refused rows, no invoices, no ledger. Its CSV lies in the page cache, as that of the others does.',
      'Spark starts, cleans, writes landing and rejected, and ends; the claim then fills invoices and customers, and the ledger.',
      'Engines run one after the other in fresh processes and data directories; ratios are medians over the rounds’ own ratios. Memory is resident: the most that the one process had, for Spark that of Python and the JVM together.',
    ],
    figures: { rounds, grown, times_duckdb: times(SMALL, DUCKDB, 'seconds'), memory_growth: growth },
  };
}

const megabytes = (bytes: number) => `${number(Math.round(bytes / 1e6))} MB`;
const memory = (bytes: number | undefined) => (bytes === undefined ? 'not measured' : `${number(bytes / 1e6)} MB`);

function most(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The largest file's peak by the smallest one's. */
function memoryGrowth(grown: readonly Sized[]): number | undefined {
  const [first, last] = [grown[0]?.peakBytes, grown.at(-1)?.peakBytes];
  return first === undefined || last === undefined ? undefined : last / first;
}

/** Rows that came out otherwise than by the small path, at least. */
function differing(round: Round, engine: Engine): number {
  const [found, expected] = [round[engine]!.counts, round[SMALL]!.counts];
  const outcomes = ({ kept, duplicate, rejected }: Counts) => new Map(Object.entries({ ...rejected, kept, duplicate }));
  const [a, b] = [outcomes(found), outcomes(expected)];
  const names = new Set([...a.keys(), ...b.keys()]);
  const moved = [...names].reduce((sum, name) => sum + Math.abs((a.get(name) ?? 0) - (b.get(name) ?? 0)), 0);
  return Math.max(moved / 2, Math.abs(accountedFor(found) - accountedFor(expected)));
}
