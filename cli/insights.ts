import { resolve } from 'node:path';
import { Refused } from './client/api';
import { connect } from './client/connect';
import { command, UsageError } from './command';
import { type Answer, type Listed, listInWords, tableOf } from './insights/words';

const USAGE = `Usage: npm run insights [-- NAME] [options]

Asks the insights. Without a name: which there are, and what each answers.

  --from DAY, --to DAY   the days that it is about, both included, as 2011-01-31; by default all that there are
  --limit N         rows at most (default 100, at most 1000; of CSV 10000)
  --csv             print CSV, without what is said beside it
  --url URL         the API (stack output ApiUrl); by default the npm start of --dir
  --build           build all of them now, on the data directory of --dir; npm start does it behind each load
  --dir DIR         data directory of npm start (default .ecomflow)

Credentials: as npm run ingest -- --help says; reading is what they have to allow.
Exit code: 0 when there is an answer, 1 when there is none, 2 when the call was wrong.`;

/** An answer that takes long is asked for again meanwhile. */
const TRIES = 6;

export const main = command(
  USAGE,
  {
    from: { type: 'string' },
    to: { type: 'string' },
    limit: { type: 'string' },
    csv: { type: 'boolean', default: false },
    url: { type: 'string' },
    build: { type: 'boolean', default: false },
    dir: { type: 'string', default: '.ecomflow' },
  },
  async ({ build, csv, url, dir, ...asked }, [name, ...rest]) => {
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is one name too many`);
    const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== undefined));
    if (build) {
      if (name !== undefined || csv || url !== undefined || query.size > 0)
        throw new UsageError('--build builds all of them, and goes with --dir only');
      // Loaded late: a question needs nothing of a data directory.
      const { buildHere } = await import('./insights/here');
      return buildHere(resolve(dir));
    }
    if (name === undefined && (csv || query.size > 0)) throw new UsageError('name an insight');
    const api = connect({ url, dir, env: process.env, tries: TRIES });
    if (name === undefined) {
      console.log(listInWords(await api.get<Listed>('/v1/insights')));
      return 0;
    }
    const path = `/v1/insights/${encodeURIComponent(name)}?`;
    try {
      if (csv) process.stdout.write(await api.text(`${path}${new URLSearchParams([...query, ['format', 'csv']])}`));
      else console.log(tableOf(await api.get<Answer>(`${path}${query}`)));
      return 0;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 400) throw new UsageError(error.message);
      console.error(error.status === 404 ? `There is no insight ${name}; npm run insights names them.` : error.message);
      return 1;
    }
  },
);
