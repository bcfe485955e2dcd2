import { createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type LocalWorld, openWorld } from '../shared/adapters/local';
import { lockDirectory } from '../shared/adapters/local/database';
import { ensureKeys, ISSUER, Issuer } from '../shared/adapters/local/tokens';
import { charsetNamed } from '../shared/domain/charset';
import { datasets } from '../shared/domain/dataset';
import { Api, type Connection, connectionFile } from './client/api';
import { describe, transfer } from './client/transfer';
import type { FileReport } from './client/upload';
import { command, UsageError } from './command';
import { claimPort, startApi } from './dev/server';
import { startTokenServer } from './dev/token-server';
import { type Examples, whereToLook } from './dev/where-to-look';
import { simulate } from './simulator';

const USAGE = `Usage: npm start [-- options]

Runs ecomflow on this machine: HTTP API, stream, cleaning, tables and lake in one data directory, until Ctrl-C.
Without --data it loads a simulated shop.

  --data FILE       load this file instead: CSV, NDJSON or a JSON array; plain, .gz or .zst
  --dataset NAME    what it holds: ${[...datasets.keys()].join(' or ')} (default transactions)
  --charset NAME    the file's charset (default utf-8)
  --dir DIR         data directory (default .ecomflow)
  --port N          port of the HTTP API (default 3000)
  --exit            stop when every row has its outcome; the last line on stdout is one JSON object
Exit code with --exit: 0 when the ledger balances.`;

const SIMULATED = { transactions: 20_000, events: 10_000 } as const;
const SEED = 1;
const ANY_CUSTOMER = 'select invoice_no, customer_id from customers limit 1';
/** A laptop that needs longer than this for a file is stuck, not slow. */
const PATIENCE_MS = 24 * 3600 * 1000;

export const main = command(
  USAGE,
  {
    data: { type: 'string' },
    dataset: { type: 'string', default: 'transactions' },
    charset: { type: 'string', default: 'utf-8' },
    dir: { type: 'string', default: '.ecomflow' },
    port: { type: 'string', default: '3000' },
    exit: { type: 'boolean', default: false },
  },
  async (options, positionals) => {
    const { data, dataset } = options;
    if (positionals.length > 0)
      throw new UsageError(`"${positionals[0]}" is not an option; a file is named with --data`);
    if (!datasets.has(dataset)) throw new UsageError(`--dataset: there is no data set "${dataset}"`);
    const charset = charsetNamed(options.charset);
    if (!charset) throw new UsageError(`--charset: "${options.charset}" is not known`);
    const port = Number(options.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new UsageError('--port is a number from 1 to 65535');
    if (data !== undefined && !existsSync(data)) throw new UsageError(`--data: there is no file ${data}`);

    const directory = resolve(options.dir);
    const started = performance.now();
    const loads = data === undefined ? await simulatedShop(directory) : [{ dataset, path: data }];
    return serve(directory, port, async ({ api, connection, world, untilStopped }) => {
      const reports: FileReport[] = [];
      for (const load of loads) {
        console.error(`Loading ${load.path} (${load.dataset})`);
        reports.push(await transfer(api, load.dataset, { path: load.path, charset }, PATIENCE_MS));
        console.error(describe(reports.at(-1)!));
      }
      if (!options.exit) {
        const example = world.inspect().get<Pick<Examples, 'invoice_no' | 'customer_id'>>(ANY_CUSTOMER);
        const batch_id = reports[0]!.batches[0]!;
        console.error(
          example
            ? whereToLook(connection, directory, { ...example, batch_id })
            : `The API listens at ${connection.url}/v1.`,
        );
        await untilStopped;
        return 0;
      }
      const { received, kept, duplicate, rejected } = reports[0]!;
      const seconds = Number(((performance.now() - started) / 1000).toFixed(2));
      console.log(JSON.stringify({ dataset: loads[0]!.dataset, received, kept, duplicate, rejected, seconds }));
      return reports.every(({ balanced }) => balanced) ? 0 : 1;
    });
  },
);

/** The files of the simulated shop, made once for each data directory. */
async function simulatedShop(directory: string): Promise<{ dataset: string; path: string }[]> {
  const folder = join(directory, 'simulated');
  mkdirSync(folder, { recursive: true });
  const loads: { dataset: string; path: string }[] = [];
  for (const dataset of ['transactions', 'events'] as const) {
    const path = join(folder, `${dataset}.csv`);
    await pipeline(
      Readable.from(simulate({ dataset, rows: SIMULATED[dataset], seed: SEED, dirty: 0.01 })),
      createWriteStream(path),
    );
    loads.push({ dataset, path });
  }
  return loads;
}

type Work = (running: {
  readonly api: Api;
  readonly connection: Connection;
  readonly world: LocalWorld;
  readonly untilStopped: Promise<void>;
}) => Promise<number>;

/** Brings the whole pipeline up in a data directory, works with it, and takes it down in the opposite order. */
async function serve(directory: string, port: number, work: Work): Promise<number> {
  const down: (() => Promise<void> | void)[] = [];
  const stopped = Promise.withResolvers<void>();
  const interrupt = () => {
    console.error('\nStopping ...');
    stopped.resolve();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const lock = lockDirectory(directory);
    down.push(() => lock.release());
    await claimPort(port);
    process.env.ECOMFLOW_DIR = directory;
    for (const name of datasets.keys()) mkdirSync(join(directory, 'inbox', name), { recursive: true });

    const keys = await ensureKeys(directory);
    const world = openWorld(directory);
    down.push(() => world.close());
    const tokens = await startTokenServer(new Issuer(keys));
    down.push(() => tokens.close());
    const root = process.env.ECOMFLOW_ROOT!;
    // Loaded late: the clean function opens its data directory when it is loaded, as a deployed one reads its settings.
    const { startConsumers } = await import('./dev/consumers');
    const { eventSourceOf } = await import('./dev/settings');
    const server = await startApi(root, directory, port, ISSUER);
    down.push(() => server.stop());
    const consumers = startConsumers(world, eventSourceOf(root, 'clean'));
    down.push(() => consumers.stop());

    const id = 'ecomflow-local-admin';
    const connection: Connection = { url: server.url, tokenUrl: tokens.url, id, secret: keys.secrets[id]! };
    writeFileSync(connectionFile(directory), JSON.stringify(connection), { mode: 0o600 });
    const broken = server.ended.then(() => {
      throw new Error(`The API stopped by itself; ${join(directory, 'server.log')} says why.`);
    });
    const interrupted = stopped.promise.then(() => 130);
    const working = work({ api: new Api(server.url, connection), connection, world, untilStopped: stopped.promise });
    return await Promise.race([working, broken, interrupted.then(async (code) => (await settled(working)) ?? code)]);
  } finally {
    for (const step of down.reverse()) await step();
  }
}

/** The value of a promise that is done, undefined while it is not. */
const settled = <T>(promise: Promise<T>): Promise<T | undefined> =>
  Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
