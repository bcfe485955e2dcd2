import { existsSync } from 'node:fs';
import { type Charset, charsetNamed } from '../shared/domain/charset';
import { Api, credentialsFor, localConnection } from './client/api';
import { survey } from './client/parts';
import { describe } from './client/transfer';
import { type FileReport, fileReport } from './client/upload';
import { command, UsageError } from './command';

const USAGE = `Usage: npm run status -- BATCH|FILE [--url URL] [--charset NAME] [--dir DIR]

What became of a batch (its id, 32 hex digits) or of a file (its path, or the SHA-256 of its decompressed bytes).

Credentials: as npm run ingest -- --help says.
Exit code: 0 when every row has its outcome, 1 when not or when nothing is known of it, 2 when the call was wrong.`;

export const main = command(
  USAGE,
  {
    url: { type: 'string' },
    charset: { type: 'string', default: 'utf-8' },
    dir: { type: 'string', default: '.ecomflow' },
  },
  async (options, [what, ...rest]) => {
    if (what === undefined || rest.length > 0) throw new UsageError('name one batch or file');
    const charset = charsetNamed(options.charset);
    if (!charset) throw new UsageError(`--charset: "${options.charset}" is not known`);
    const url = (options.url ?? localConnection(options.dir)?.url)?.replace(/\/+$/, '').replace(/\/v1$/, '');
    if (!url) throw new UsageError('give --url, or start ecomflow with npm start');
    const api = new Api(url, credentialsFor(url, options.dir, process.env));

    const report = await reportOf(what, charset, api);
    if (!report) {
      console.error(`Nothing is known of ${what}.`);
      return 1;
    }
    console.log(describe(report));
    if (report.parts && report.parts.accepted.length < report.parts.total) {
      console.log(
        `  ${report.parts.accepted.length} of ${report.parts.total} parts have come; run npm run ingest again`,
      );
    }
    return report.balanced ? 0 : 1;
  },
);

/** A batch's report has no parts, a file's has. */
type Report = Omit<FileReport, 'parts' | 'batches' | 'file'> & Partial<Pick<FileReport, 'parts'>>;

async function reportOf(what: string, charset: Charset, api: Api): Promise<Report | undefined> {
  if (existsSync(what)) return fileReport(api, (await survey({ path: what, charset })).hash);
  if (/^[0-9a-f]{64}$/.test(what)) return fileReport(api, what);
  if (/^[0-9a-f]{32}$/.test(what)) return api.get<Report>(`/v1/batches/${what}`);
  throw new UsageError(`"${what}" is no file, and no id of a batch or file`);
}
