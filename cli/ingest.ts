import { datasets } from '../shared/domain/dataset';
import { charsetArgument, datasetArgument, fileArgument } from './client/arguments';
import { connect } from './client/connect';
import { deliver } from './client/deliver';
import { describe, transfer } from './client/transfer';
import { command, UsageError } from './command';

const USAGE = `Usage: npm run ingest -- FILE [--url URL] [options]

Sends a file to a stage: in parts, two at a time. Run again after it was broken off: it goes on where it was.
With --upload it is sent whole, past the API, into the inbox: for large files. Up to 5 GB as they are.

  FILE                CSV, NDJSON or a JSON array; plain, .gz or .zst
  --url URL           the API (stack output ApiUrl); by default the npm start of --dir
  --dataset NAME      ${[...datasets.keys()].join(' or ')} (default transactions)
  --charset NAME      the file's charset (default utf-8)
  --type TYPE         csv, json or ndjson (default: by the file's name)
  --upload            send it whole; what it holds is told by --type, or by a name in .csv, .json, .ndjson or .jsonl
  --timeout SECONDS   how long to wait for the last row's outcome (default 600)
  --dir DIR           data directory of npm start (default .ecomflow)

Credentials: ECOMFLOW_TOKEN, or ECOMFLOW_TOKEN_URL, ECOMFLOW_CLIENT_ID and ECOMFLOW_CLIENT_SECRET.
Exit code: 0 when every row has its outcome, 1 when not, 2 when the call was wrong.`;

export const main = command(
  USAGE,
  {
    url: { type: 'string' },
    dataset: { type: 'string', default: 'transactions' },
    charset: { type: 'string', default: 'utf-8' },
    type: { type: 'string' },
    upload: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '600' },
    dir: { type: 'string', default: '.ecomflow' },
  },
  async (options, [name, ...rest]) => {
    if (name === undefined || rest.length > 0) throw new UsageError('name one file');
    const path = fileArgument(name);
    const charset = charsetArgument(options.charset);
    const dataset = datasetArgument(options.dataset);
    const type = options.type;
    if (type !== undefined && type !== 'csv' && type !== 'json' && type !== 'ndjson')
      throw new UsageError(`--type: "${type}" is not known`);
    const timeout = Number(options.timeout);
    if (!(timeout >= 0)) throw new UsageError('--timeout is a number of seconds');

    const api = connect({ url: options.url, dir: options.dir, env: process.env });
    const send = options.upload ? deliver : transfer;
    const { report, rows, whole } = await send(api, dataset, { path, charset, type }, timeout * 1000);
    console.log(describe(report, rows));
    return whole ? 0 : 1;
  },
);
