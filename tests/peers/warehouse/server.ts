import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Connection } from '../../../shared/adapters/aws/postgres';
import { freePort } from '../../support/processes';
import { jars } from '../support/install';
import { execute, serve, type User } from '../support/processes';

/** A PostgreSQL that runs, its certificate signed by itself. */
export interface Postgres {
  readonly version: string;
  /** As a function has it. */
  readonly connection: Connection;
  readonly password: string;
  /** Its certificate, which is also the authority that signed it. */
  readonly certificate: string;
  /** A client of the superuser, for looking; the caller ends it. */
  client(): Promise<pg.Client>;
  /** Rows of a query, each an array. */
  ask(sql: string): Promise<unknown[][]>;
  stop(signal?: 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

const USER = 'warehouse';
const DATABASE = 'ecomflow';
const PASSWORD = 'a password with \'quotes" and spaces';
const UNPACK = `
import lzma, sys, tarfile, zipfile
jar, folder = sys.argv[1:]
with zipfile.ZipFile(jar) as packed:
    [name] = [name for name in packed.namelist() if name.endswith(".txz")]
    with packed.open(name) as xz, tarfile.open(fileobj=lzma.open(xz)) as tar:
        tar.extractall(folder)
`;

/** PostgreSQL will not run as root: then it runs as nobody. */
const as: User | undefined = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

/** The folder of PostgreSQL's programs. */
async function programs(): Promise<string> {
  const folder = await jars('postgres');
  const unpacked = join(folder, 'unpacked');
  if (!existsSync(join(unpacked, 'bin/postgres'))) {
    const jar = readdirSync(folder).find((name) => name.endsWith('.jar'))!;
    await execute('python3', ['-c', UNPACK, join(folder, jar), unpacked]);
  }
  return join(unpacked, 'bin');
}

/** Makes a database in a folder of its own and starts it on 127.0.0.1; TCP alone, TLS or not, by password. */
export async function startPostgres(): Promise<Postgres> {
  const bin = await programs();
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-postgres-'));
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const secret = join(folder, 'password');
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  writeFileSync(secret, PASSWORD);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate];
  await execute('openssl', ['req', ...made, ...subject]);
  chmodSync(key, 0o600);
  if (as) for (const path of [folder, secret, key]) chownSync(path, as.uid, as.gid);

  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
  const init = ['--pgdata', data, '--username', USER, '--pwfile', secret, '--auth', 'scram-sha-256'];
  await execute(join(bin, 'initdb'), [...init, '--encoding', 'UTF8', '--locale', 'C'], { env, as, cwd: folder });
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    ssl: 'on',
    ssl_key_file: key,
    ssl_cert_file: certificate,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const to = { host: '127.0.0.1', port, user: USER, password: PASSWORD };
  const ready = async () => {
    const client = new pg.Client({ ...to, database: 'postgres' });
    await client.connect();
    await client.end();
    return true;
  };
  const start = () => serve('postgres', join(bin, 'postgres'), ['-D', data, ...args], ready, { env, as, cwd: folder });
  let server = await start();

  const client = async (database = DATABASE) => {
    const one = new pg.Client({ ...to, database });
    one.on('error', () => undefined); // it is stopped under it
    await one.connect();
    return one;
  };
  const first = await client('postgres');
  await first.query(`create database ${DATABASE}`);
  await first.end();

  return {
    version: (await execute(join(bin, 'postgres'), ['--version'])).stdout.trim(),
    connection: {
      host: '127.0.0.1',
      port,
      database: DATABASE,
      credentials: async () => ({ username: USER, password: PASSWORD }),
      tls: false,
    },
    password: PASSWORD,
    certificate,
    client,
    async ask(sql) {
      const one = await client();
      try {
        return (await one.query({ text: sql, rowMode: 'array' })).rows;
      } finally {
        await one.end();
      }
    },
    stop: (signal) => server.stop(signal),
    async start() {
      server = await start();
    },
    async remove() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
