import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalWorld, openWorld } from '../../shared/adapters/local';
import { lockDirectory } from '../../shared/adapters/local/database';
import { ensureKeys, ISSUER, Issuer } from '../../shared/adapters/local/tokens';
import { datasets } from '../../shared/domain/dataset';
import { Api } from '../client/api';
import { type Connection, connectionFile } from '../client/connect';
import type { Alerts } from './alerts';
import { onInterrupt } from './interrupts';
import type { Nights } from './nights';
import { ApiDown, claimPort, startApi } from './server';
import { startTokenServer } from './token-server';
import { startUploadServer } from './upload-server';

/** What there is to work with while everything is up. */
export interface Running {
  readonly api: Api;
  readonly connection: Connection;
  /** Of the person `analyst`, for the dashboard. */
  readonly password: string;
  readonly world: LocalWorld;
  readonly nights: Pick<Nights, 'load'>;
  readonly alerts: Pick<Alerts, 'tell' | 'mails' | 'announce'>;
  /** Aborted when it is time to end. */
  readonly signal: AbortSignal;
}

/** What a shell reports of a process that SIGINT ended. */
const INTERRUPTED = 130;
const ADMIN = 'ecomflow-local-admin';

/**
 * Brings the whole pipeline up in a data directory, works with it, and takes it down in the opposite order. The work's
 * exit code, or 130 when Ctrl-C broke it off. @throws DirectoryRefused, PortTaken, ApiDown, what stopped the work or a part of it
 */
export async function serve(
  directory: string,
  port: number,
  work: (running: Running) => Promise<number>,
): Promise<number> {
  process.umask(0o077); // a shop's rows are its owner's, on a machine with other users too
  const stopping = new AbortController();
  const { signal } = stopping;
  onInterrupt(
    process,
    () => {
      console.error('\nStopping ... (Ctrl-C again ends it at once)');
      stopping.abort();
    },
    () => process.exit(INTERRUPTED),
  );
  const up = new AsyncDisposableStack();
  try {
    const { running, broken } = await bringUp(up, directory, port, signal);
    const working = work(running);
    up.defer(async () => {
      stopping.abort();
      await working.catch(() => undefined); // thrown below, unless something broke before it
    });
    return await Promise.race([working, broken]);
  } catch (error) {
    if (signal.aborted && (error as Error).name === 'AbortError') return INTERRUPTED;
    throw error;
  } finally {
    await up.disposeAsync();
  }
}

/** Each part that is up is left to `up` to take down. `broken` rejects when one of them ends by itself. */
async function bringUp(
  up: AsyncDisposableStack,
  directory: string,
  port: number,
  signal: AbortSignal,
): Promise<{ running: Running; broken: Promise<never> }> {
  const lock = lockDirectory(directory);
  up.defer(() => lock.release());
  await claimPort(port);
  process.env.ECOMFLOW_DIR = directory;
  for (const name of datasets.keys()) mkdirSync(join(directory, 'inbox', name), { recursive: true });

  const keys = await ensureKeys(directory);
  const world = openWorld(directory);
  up.defer(() => world.close());
  await world.lake.removeUnfinished();
  const tokens = await startTokenServer(new Issuer(keys), directory, port);
  up.defer(() => tokens.close());
  const door = await startUploadServer(directory, world.clock);
  up.defer(() => door.close());
  const root = process.env.ECOMFLOW_ROOT!;
  // Loaded late: the clean function opens its data directory when it is loaded, as a deployed one reads its settings.
  const { startAlerts } = await import('./alerts');
  const { startConsumers } = await import('./consumers');
  const { outcomeOf, startInbox } = await import('./inbox');
  const { startNights } = await import('./nights');
  const { startOrders } = await import('./orders');
  const { alertsOf, eventSourceOf } = await import('./settings');
  const server = await startApi(root, directory, port, ISSUER, signal);
  up.defer(() => server.stop());
  const alerts = startAlerts(world, directory, { ...alertsOf(root), api: server.url });
  up.defer(() => alerts.stop());
  const consumers = startConsumers(world, eventSourceOf(root, 'clean'));
  up.defer(() => consumers.stop());
  const nights = startNights(world, directory);
  up.defer(() => nights.stop());
  const orders = startOrders(world);
  up.defer(() => orders.stop());
  const inbox = startInbox(directory, (arrival, balance) => {
    console.error(outcomeOf(arrival, balance));
    if (balance) nights.load();
    if (arrival.state === 'failed' && arrival.run_id !== undefined) alerts.gaveUp(arrival);
  });
  up.defer(() => inbox.stop());

  const connection: Connection = { url: server.url, tokenUrl: tokens.url, id: ADMIN, secret: keys.secrets[ADMIN]! };
  up.defer(() => rmSync(connectionFile(directory), { force: true }));
  writeFileSync(connectionFile(directory), JSON.stringify(connection), { mode: 0o600 });

  const ended = server.ended.then((): never => {
    throw new ApiDown(`The API stopped by itself; ${join(directory, 'server.log')} says why.`);
  });
  const api = new Api(server.url, connection, { onRetry: (why) => console.error(why), signal });
  return {
    running: { api, connection, password: keys.passwords.analyst!, world, nights, alerts, signal },
    broken: Promise.race([ended, consumers.broken]),
  };
}
