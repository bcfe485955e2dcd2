import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { datasets } from '../shared/domain/dataset';
import { charsetArgument, datasetArgument, fileArgument } from './client/arguments';
import { describe, type Transferred, transfer } from './client/transfer';
import { command, UsageError } from './command';
import { serve } from './dev/serve';
import { type Load, simulatedLoad } from './dev/shop';
import { mailsInWords, whereToLook, worthALook } from './dev/where-to-look';
import { type ShopBook, shopBooks } from './simulator';

const USAGE = `Usage: npm start [-- options]

Runs ecomflow on this machine: HTTP API, stream, cleaning, tables and lake in one data directory, until Ctrl-C.
Without --data it loads a simulated shop.

  --data FILE       load this file instead: CSV, NDJSON or a JSON array; plain, .gz or .zst
  --dataset NAME    what it holds: ${[...datasets.keys()].join(' or ')} (default transactions); without --data, what to load
                    of the simulated shop (default all of it)
  --charset NAME    the file's charset (default utf-8)
  --dir DIR         data directory (default .ecomflow)
  --port N          port of the HTTP API (default 3000)
  --exit            stop when every row has its outcome; the last line on stdout is one JSON object
Exit code: with --exit 0 when the ledger balances, else 1; 130 when Ctrl-C broke a load off, which the next start ends.`;

/** A laptop that needs longer than this for a file is stuck, not slow. */
const PATIENCE_MS = 24 * 3600 * 1000;
/** The first insights are waited for so long. */
const MOST_WAIT_MS = 2000;

export const main = command(
  USAGE,
  {
    data: { type: 'string' },
    dataset: { type: 'string' },
    charset: { type: 'string', default: 'utf-8' },
    dir: { type: 'string', default: '.ecomflow' },
    port: { type: 'string', default: '3000' },
    exit: { type: 'boolean', default: false },
  },
  async (options, positionals) => {
    if (positionals.length > 0)
      throw new UsageError(`"${positionals[0]}" is not an option; a file is named with --data`);
    const path = options.data === undefined ? undefined : fileArgument(options.data, '--data');
    const dataset = options.dataset === undefined ? undefined : datasetArgument(options.dataset);
    const charset = charsetArgument(options.charset);
    const port = Number(options.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new UsageError('--port is a number from 1 to 65535');
    const simulated = shopBooks.filter((book) => dataset === undefined || book === dataset);
    if (path === undefined && simulated.length === 0)
      throw new UsageError(`--dataset: the simulated shop has no ${dataset}; name a file with --data`);

    const directory = resolve(options.dir);
    const started = performance.now();
    return serve(directory, port, async ({ api, connection, password, world, nights, alerts, signal }) => {
      const loads =
        path === undefined
          ? await simulatedLoads(directory, simulated, signal)
          : [{ dataset: dataset ?? 'transactions', path }];
      const done: Transferred[] = [];
      for (const load of loads) {
        console.error(`Loading ${load.path} (${load.dataset})`);
        const loaded = await transfer(api, load.dataset, { path: load.path, charset }, PATIENCE_MS);
        console.error(describe(loaded.report, loaded.rows));
        done.push(loaded);
      }
      const first = done[0]!.report;
      const seconds = Number(((performance.now() - started) / 1000).toFixed(2));
      await alerts.tell();
      const mails = await alerts.mails();
      if (!options.exit) {
        // The dashboard is to have something to show: most shops are through by then.
        await Promise.race([
          nights.load(),
          sleep(MOST_WAIT_MS, undefined, { signal, ref: false }).catch(() => undefined),
        ]);
        console.error(whereToLook(connection, directory, worthALook(world, first), mails, password));
        alerts.announce();
        if (!signal.aborted) await once(signal, 'abort');
        return 0;
      }
      if (mails.length > 0) console.error(mailsInWords(mails));
      const { received, kept, duplicate, rejected } = first;
      console.log(JSON.stringify({ dataset: first.dataset, received, kept, duplicate, rejected, seconds }));
      return done.every(({ whole }) => whole) ? 0 : 1;
    });
  },
);

async function simulatedLoads(directory: string, books: readonly ShopBook[], signal: AbortSignal): Promise<Load[]> {
  const loads: Load[] = [];
  for (const book of books) loads.push(await simulatedLoad(directory, book, signal));
  return loads;
}
