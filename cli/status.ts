import { existsSync } from 'node:fs';
import { INBOX } from '../shared/domain/arrival';
import type { Api } from './client/api';
import { fileArgument } from './client/arguments';
import { connect } from './client/connect';
import { reportOnKey } from './client/deliver';
import { hashOf } from './client/parts';
import { type Report as AnyReport, describe } from './client/transfer';
import { type FileReport, fileReport } from './client/upload';
import { command, UsageError } from './command';

const USAGE = `Usage: npm run status -- BATCH|FILE|KEY [--url URL] [--dir DIR]

What became of a batch (its id, 32 hex digits) or of a file (its path, the SHA-256 of its decompressed bytes, or its key
in the inbox).

  --url URL   the API (stack output ApiUrl); by default the npm start of --dir
  --dir DIR   data directory of npm start (default .ecomflow)

Credentials: as npm run ingest -- --help says.
Exit code: 0 when every row has its outcome, 1 when not or when nothing is known of it, 2 when the call was wrong.`;

/** Who asks for a status waits for it. */
const TRIES = 3;

export const main = command(
  USAGE,
  { url: { type: 'string' }, dir: { type: 'string', default: '.ecomflow' } },
  async ({ url, dir }, [what, ...rest]) => {
    if (what === undefined || rest.length > 0) throw new UsageError('name one batch or file');
    const ask = questionOf(what);
    const report = await ask(connect({ url, dir, env: process.env, tries: TRIES }));
    if (!report) {
      console.error(`Nothing is known of ${what}.`);
      return 1;
    }
    console.log(describe(report));
    if (report.chunks?.revised) {
      console.log(`  chunks revised, by a redrive for instance: ${report.chunks.revised} of ${report.chunks.total}`);
    }
    if (report.parts && report.parts.accepted.length < report.parts.total) {
      console.log(
        `  ${report.parts.accepted.length} of ${report.parts.total} parts have come; run npm run ingest again`,
      );
    }
    return report.balanced ? 0 : 1;
  },
);

/** A batch's report has chunks, a file's has parts. */
type Report = AnyReport &
  Partial<Pick<FileReport, 'parts'>> & { readonly chunks?: { readonly total: number; readonly revised?: number } };

/** What is asked for a batch, a file or a key. @throws UsageError when it is none */
function questionOf(what: string): (api: Api) => Promise<Report | undefined> {
  if (existsSync(what)) {
    const path = fileArgument(what);
    return async (api) => fileReport(api, await hashOf(path));
  }
  if (/^[0-9a-f]{64}$/.test(what)) return (api) => fileReport(api, what);
  if (/^[0-9a-f]{32}$/.test(what)) return (api) => api.get<Report>(`/v1/batches/${what}`);
  if (what.startsWith(`${INBOX}/`)) return (api) => reportOnKey(api, what);
  throw new UsageError(`"${what}" is no file, no id of a batch or file, and no key in the inbox`);
}
