import { existsSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { duckdbTables } from '../../domain/tables';
import { contracts, FOUNDATION, tableMigration } from '../../domain/warehouse';
import { type Engine, type QueryAnswer, TooMuch, Unavailable } from '../../pipeline/ports';
import { inTurn, openFile, PAUSE_MS, WAREHOUSE_FILE } from './duckdb';

/** A laptop has other things to do: more than this DuckDB puts on disk, up to a limit. */
const BOUNDS = {
  memory_limit: '384MB',
  threads: '2',
  max_temp_directory_size: '4GB',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
};
/** A statement may take so long; a loader in another process, which waits for questions in turn, is waited for so long. */
const SECONDS = 25;
const PATIENCE_MS = 5000;
/** Questions that come while others are asked share what is open, for so long: then a loader may have its turn. */
const SHARED_MS = 5000;
/** One of another process finds its turn by looking now and then: the file is left alone for so long. */
const APART_MS = 3 * PAUSE_MS;
/** Questions that DuckDB works on at a time, and that wait, for so long: who asked is not there for ever. */
const AT_A_TIME = 3;
const MOST_WAITING = 50;
const WAITING_MS = 10_000;

/**
 * DuckDB over the warehouse's file, which is open while something is asked, for reading only. Nothing else of the
 * machine is in reach of a statement but the refused rows. Without a file the tables are there and empty.
 */
export function duckdbEngine(
  directory: string,
  seconds = SECONDS,
  patienceMs = PATIENCE_MS,
  sharedMs = SHARED_MS,
  waitingMs = WAITING_MS,
): Engine {
  const reader = new Reader(directory, { patienceMs, sharedMs });
  const underWay = new Map<string, Promise<QueryAnswer>>();
  const lane = new Lane(waitingMs);
  return {
    async tables() {
      const refused = new Map<string, string>();
      for (const { name } of contracts())
        if (await hasRefused(directory, name)) refused.set(name, refusedIn(directory, name));
      return duckdbTables((dataset) => refused.get(dataset));
    },
    async query(statement) {
      const known = underWay.get(statement);
      if (known) return known;
      const asked = lane.in(() => reader.use((instance) => ask(instance, statement, seconds)));
      underWay.set(statement, asked);
      try {
        return await asked;
      } finally {
        underWay.delete(statement);
      }
    },
  };
}

const rejectedFolder = (directory: string) => join(resolve(directory), 'rejected');
const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
/** Signs that a pattern of DuckDB's would read as its own. */
const plain = (path: string) => path.replace(/[[*?]/g, '[$&]');

async function hasRefused(directory: string, dataset: string): Promise<boolean> {
  for await (const _ of glob('*/*.ndjson.gz', { cwd: join(rejectedFolder(directory), dataset) })) return true;
  return false;
}

const refusedIn = (directory: string, dataset: string): string =>
  `read_json(${text(`${plain(rejectedFolder(directory))}/${dataset}/*/*.ndjson.gz`)}, format = 'newline_delimited',
    columns = {reason: 'VARCHAR', cleaned: 'JSON'}, hive_partitioning = false)`;

async function ask(instance: DuckDBInstance, statement: string, seconds: number): Promise<QueryAnswer> {
  const connection = await instance.connect();
  const late = setTimeout(() => connection.interrupt(), seconds * 1000);
  try {
    const answer = await connection.runAndReadAll(statement);
    const rows = answer.getRowsJson().map((row) => row.map((value) => (value === null ? null : String(value))));
    return { columns: answer.columnNames(), rows };
  } catch (error) {
    throw judged(error as Error);
  } finally {
    clearTimeout(late);
    connection.closeSync();
  }
}

/** DuckDB tells errors apart in words. */
function judged(cause: Error): Error {
  const [message] = cause.message.split('\n');
  return /^(INTERRUPT|Out of Memory) Error/i.test(cause.message)
    ? new TooMuch(message, { cause })
    : new Error(message, { cause });
}

interface Limits {
  readonly patienceMs: number;
  readonly sharedMs: number;
}

/** Those who ask at the same time, with one instance for them. */
class Reader {
  private session: Session | undefined;
  private readonly last: Stretch = { began: 0, ended: Number.NEGATIVE_INFINITY };

  constructor(
    private readonly directory: string,
    private readonly limits: Limits,
  ) {}

  async use<T>(work: (instance: DuckDBInstance) => Promise<T>): Promise<T> {
    if (this.session?.isOver ?? true) this.session = new Session(this.directory, this.limits, this.last);
    const session = this.session!;
    session.users++;
    try {
      return await work(await session.instance);
    } finally {
      session.leave();
    }
  }
}

/** The time in which no loader of another process found the file closed: one session, or several right behind each other. */
interface Stretch {
  began: number;
  ended: number;
}

class Session {
  users = 0;
  readonly instance: Promise<DuckDBInstance>;
  private since = performance.now();
  private end: () => void = () => undefined;
  private isLeft = false;

  constructor(
    directory: string,
    private readonly limits: Limits,
    last: Stretch,
  ) {
    const file = join(directory, WAREHOUSE_FILE);
    const left = new Promise<void>((end) => {
      this.end = end;
    });
    this.instance = new Promise((opened, failed) => {
      inTurn(file, async () => {
        const instance = await openForReading(directory, file, limits.patienceMs);
        const now = performance.now();
        if (now - last.ended >= APART_MS) last.began = now;
        this.since = last.began;
        opened(instance);
        await left;
        instance.closeSync();
        last.ended = performance.now();
        if (last.ended - last.began >= limits.sharedMs) await sleep(APART_MS);
      }).catch(failed);
    });
  }

  get isOver(): boolean {
    return this.isLeft || performance.now() - this.since > this.limits.sharedMs;
  }

  leave(): void {
    this.users--;
    if (this.users > 0) return;
    this.isLeft = true;
    this.end();
  }
}

async function openForReading(directory: string, file: string, patienceMs: number): Promise<DuckDBInstance> {
  const isThere = existsSync(file);
  const place: Record<string, string> = isThere ? { access_mode: 'READ_ONLY' } : {};
  const spill = { temp_directory: `${resolve(file)}.asked.tmp` };
  const instance = await openFile(isThere ? file : ':memory:', { ...BOUNDS, ...spill, ...place }, patienceMs);
  try {
    const connection = await instance.connect();
    try {
      if (!isThere) await makeTables(connection);
      await shut(connection, directory);
    } finally {
      connection.closeSync();
    }
    return instance;
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

async function makeTables(connection: DuckDBConnection): Promise<void> {
  for (const sql of FOUNDATION) await connection.run(sql);
  for (const contract of contracts()) for (const sql of tableMigration(contract, [])) await connection.run(sql);
}

/** What a statement may reach, for every connection from now on. */
async function shut(connection: DuckDBConnection, directory: string): Promise<void> {
  await connection.run("set global TimeZone = 'UTC'");
  const folder = rejectedFolder(directory);
  const folders = [folder, plain(folder)].map((path) => text(`${path}/`)); // a pattern is judged as it is written, too
  await connection.run(`set allowed_directories = [${folders.join(', ')}]`);
  await connection.run('set enable_external_access = false');
  await connection.run('set lock_configuration = true');
}

/** Some at a time, the others behind them. */
class Lane {
  private free = AT_A_TIME;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly waitingMs: number) {}

  async in<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting.size >= MOST_WAITING) throw new Unavailable('too many questions are asked at a time');
    if (this.free > 0) this.free--;
    else await this.turn();
    try {
      return await work();
    } finally {
      const [next] = this.waiting;
      if (next) next();
      else this.free++;
    }
  }

  private turn(): Promise<void> {
    return new Promise((begin, giveUp) => {
      const go = () => {
        clearTimeout(late);
        this.waiting.delete(go);
        begin();
      };
      const late = setTimeout(() => {
        this.waiting.delete(go);
        giveUp(new Unavailable('questions before this one take too long'));
      }, this.waitingMs);
      this.waiting.add(go);
    });
  }
}
