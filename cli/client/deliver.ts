import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Api, Refused } from './api';
import { type FileOptions, FileRefused } from './parts';
import { progress } from './progress';
import { type Address, put } from './put';
import { type Report, type Transferred, untilCleaned } from './transfer';
import { Unreachable } from './unreachable';

/** What POST /v1/uploads answers. */
interface Upload extends Address {
  readonly key: string;
}

/** What GET /v1/arrivals says of a key. */
interface Arrivals {
  readonly state: string;
  readonly arrivals: readonly {
    readonly report: string | null;
    readonly refusal: { readonly detail: string } | null;
    readonly kept_as: string | null;
    readonly broken: { readonly detail: string } | null;
  }[];
}
type Arrival = Arrivals['arrivals'][number];

/** A file that was sent, and of which no more is known in time; the message says how far it is. */
export class StillUnderWay extends Error {
  override readonly name = 'StillUnderWay';
}

const IN_WORDS: Readonly<Record<string, string>> = {
  announced: 'has not been noticed yet',
  reading: 'is being read',
  waiting: 'waits for Spark to be free',
  running: 'is being read by Spark',
  claiming: 'is being told from rows that came before',
};

const POLL_MS = 1000;
/** Pauses between tries to send the file. */
const PAUSES_MS = [1000, 5000, 15_000];
const KB = 1024;

/**
 * Sends a file whole, past the limits of a request, and waits until it is taken in and every row has its outcome, or
 * `patienceMs` ran out, showing both. The report says what became of the rows; a file that broke off is not whole.
 * @throws FileRefused, StillUnderWay, Refused, Unreachable, TokenRefused, the reason of the api's signal
 */
export async function deliver(
  api: Api,
  dataset: string,
  { path, charset, type }: FileOptions,
  patienceMs: number,
): Promise<Transferred<Report>> {
  const { size } = statSync(path);
  if (size === 0) throw new FileRefused(`${path}: The file is empty.`);
  const what = JSON.stringify({ dataset, bytes: size, name: basename(path), type, charset });
  const upload = await api.post<Upload>('/v1/uploads', Buffer.from(what), 'application/json');
  await send(api, path, size, upload);

  const deadline = Date.now() + patienceMs;
  const arrival = await taken(api, path, upload, deadline);
  const ask = () => api.get<Report>(arrival.report!);
  const { received } = await ask();
  const report = await untilCleaned(api, received, ask, POLL_MS, deadline);
  if (arrival.broken) console.error(brokenOff(path, arrival.broken));
  return { report, rows: received, whole: report.balanced && !arrival.broken };
}

/** Puts the file, again where the way to the store breaks. @throws Refused, Unreachable, the signal's reason */
async function send(api: Api, path: string, size: number, upload: Upload): Promise<void> {
  const { host } = new URL(upload.url);
  const sending = progress('Sending ', 'KB');
  sending.start(Math.ceil(size / KB), 0);
  try {
    for (let attempt = 0; ; attempt++) {
      const pause = PAUSES_MS[attempt];
      const why = await tryToPut();
      if (why === undefined) return;
      // What was sent before had come through, and only the answer to it had not.
      if (why.status === 412 && attempt > 0) return;
      const passes = why.status === undefined || why.status >= 500 || why.status === 409;
      if (!passes || pause === undefined) throw why.error;
      console.error(`${why.error.message}; trying again in ${pause / 1000} s`);
      await api.pause(pause);
    }
  } finally {
    sending.stop();
  }

  /** Why it did not go through, undefined when it did. @throws what does not pass */
  async function tryToPut(): Promise<{ readonly status?: number; readonly error: Error } | undefined> {
    try {
      const { status, said } = await put(path, upload, (sent) => sending.update(Math.ceil(sent / KB)), api.signal);
      if (status < 300) return undefined;
      return {
        status,
        error: new Refused(status, { detail: `${host} does not take the file: ${status} ${worded(said)}` }),
      };
    } catch (error) {
      if (error instanceof Unreachable && error.passing) return { error };
      throw error;
    }
  }
}

/** S3 says no in XML. */
function worded(said: string): string {
  const [, message] = /<Message>([^<]*)<\/Message>/.exec(said) ?? [];
  return (message ?? said).slice(0, 300).trim();
}

/** The arrival of the file once all of it is taken in. @throws FileRefused, StillUnderWay */
async function taken(api: Api, path: string, { key }: Upload, deadline: number): Promise<Arrival> {
  for (let before = ''; ; ) {
    const look = await lookAt(api, key, path);
    if (typeof look !== 'string') return look;
    if (Date.now() > deadline)
      throw new StillUnderWay(`${path} ${look}. It lies in the inbox; ask for it later: npm run status -- ${key}`);
    if (look !== before) console.error(`The file ${look} ...`);
    before = look;
    await api.pause(POLL_MS);
  }
}

/** What became of the file under a key when all of it is taken in, else how far it is, in words. @throws FileRefused */
async function lookAt(api: Api, key: string, name: string): Promise<Arrival | string> {
  const { state, arrivals } = await api.get<Arrivals>(`/v1/arrivals?key=${encodeURIComponent(key)}`);
  const [arrival] = arrivals;
  if (state === 'refused')
    throw new FileRefused(`${name}: ${arrival!.refusal!.detail} It is kept as ${arrival!.kept_as}.`);
  if (state === 'failed') throw new FileRefused(`${name}: Spark gave up on it. It lies where it was put, as ${key}.`);
  return state === 'done' ? arrival! : (IN_WORDS[state] ?? `is ${state}`);
}

/**
 * The report on the file under a key of the inbox, undefined when nothing is known of it.
 * @throws FileRefused, StillUnderWay, Refused, Unreachable, TokenRefused
 */
export async function reportOnKey(api: Api, key: string): Promise<Report | undefined> {
  try {
    const look = await lookAt(api, key, key);
    if (typeof look === 'string') throw new StillUnderWay(`${key} ${look}.`);
    if (look.broken) console.error(brokenOff(key, look.broken));
    return await api.get<Report>(look.report!);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return undefined;
    throw error;
  }
}

const brokenOff = (name: string, { detail }: { readonly detail: string }) =>
  `${name}: ${detail} The rows before are in.`;
