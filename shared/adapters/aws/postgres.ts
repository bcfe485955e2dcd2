import pg from 'pg';
import { Unavailable } from '../../pipeline/ports';
import { isBrokenWorld } from './errors';

/** Where a database is, and who asks it. */
export interface Connection {
  readonly host: string;
  readonly port?: number;
  readonly database: string;
  /** Asked each time: the password is changed from time to time. */
  credentials(): Promise<Credentials>;
  /** Off only where nobody else is on the line. */
  readonly tls?: boolean;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** In milliseconds. A statement may take as long as a large file or a view does, but no longer than the function. */
const TIMES = {
  connectionTimeoutMillis: 10_000,
  statement_timeout: 840_000,
  lock_timeout: 30_000,
  idle_in_transaction_session_timeout: 120_000,
} as const;
/** So that the server notices, in a minute, a function that was ended without a word, and gives up its lock. */
const KEEPALIVE = '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3';

const INVALID_PASSWORD = '28P01';

/** One connection, for as long as `work` takes; it is closed whatever comes of it. @throws Unavailable when there is none */
export async function connected<T>(to: Connection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(to);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined); // broken already: whoever asked last was told
  }
}

async function connect(to: Connection): Promise<pg.Client> {
  const first = await to.credentials();
  try {
    return await open(to, first);
  } catch (error) {
    const second = codeOf(error) === INVALID_PASSWORD ? await to.credentials() : first;
    if (second.password === first.password) throw unreachable(to, error);
    return open(to, second).catch((again) => {
      // changed between the asking and the connecting
      throw unreachable(to, again);
    });
  }
}

async function open({ host, port, database, tls = true }: Connection, { username, password }: Credentials) {
  const client = new pg.Client({
    ...TIMES,
    host,
    port: port ?? 5432,
    database,
    user: username,
    password,
    keepAlive: true,
    application_name: 'ecomflow',
    options: `${KEEPALIVE} -c timezone=UTC`,
    ssl: tls && { rejectUnauthorized: true }, // by the certificates that NODE_EXTRA_CA_CERTS names
  });
  // A connection that breaks between two statements says so here; the next statement fails with it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const unreachable = ({ host }: Connection, cause: unknown) =>
  new Unavailable(`the database at ${host} does not let us in: ${(cause as Error).message}`, { cause });

const codeOf = (error: unknown) => (error instanceof pg.DatabaseError ? error.code : undefined);

/**
 * Classes of SQLSTATE (PostgreSQL, appendix A) that say something of the world and nothing of the statement: connection,
 * authorization, rollback by the server, resources, limits, locks, an operator's intervention, its system.
 */
const WORLD = new Set(['08', '28', '40', '53', '55', '57', '58']);
/** The session sat idle for too long (idle_in_transaction_session_timeout). */
const IDLE = '25P03';

/** Asks the database, and turns a busy or broken one into Unavailable with its cause. @throws Unavailable, or the error as it is */
export async function ask<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Unavailable || !isWorld(error)) throw error;
    throw new Unavailable(`${doing}: ${(error as Error).message}`, { cause: error });
  }
}

function isWorld(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return code === IDLE || WORLD.has(code.slice(0, 2));
  // pg has neither class nor code for a connection that went; a stream over it ends before its time.
  const { code: stream, message } = error as NodeJS.ErrnoException;
  return (
    isBrokenWorld(error) || stream === 'ERR_STREAM_PREMATURE_CLOSE' || /^(Connection terminated|Client )/.test(message)
  );
}
