import type { Arrival, ArrivalState, Refusal } from '../domain/arrival';
import { Problem } from '../domain/problem';
import { keyNamed, readUpload, UPLOADS, uploadKey } from '../domain/upload';
import type { Ports } from './ports';

/** Arrivals under one key that are told; who overwrites a file more often asks the ledger itself. */
export const MOST_ARRIVALS = 100;

/** Where the arrivals of a key are told. Keys of uploads are plain enough to stand in an address as they are. */
const statusOf = (key: string) => `/v1/arrivals?key=${key}`;

/**
 * An address that takes one file, past the API and its limits; who asked for it is remembered as the file's sender.
 * `id` is random: 32 hex digits that nobody can guess, and nobody else has. @throws Problem
 */
export async function announceUpload(
  { body, sent_by, id }: { readonly body: Buffer; readonly sent_by: string; readonly id: string },
  { senders, uploads, clock, telemetry }: Pick<Ports, 'senders' | 'uploads' | 'clock' | 'telemetry'>,
) {
  const { bytes, contentType, ...upload } = readUpload(body);
  const key = uploadKey(upload, id);
  const { seconds } = UPLOADS;
  // Before the address is made, which is good for so long from then on: it never promises more than there is.
  const expires_at = new Date(clock.now().getTime() + seconds * 1000).toISOString();
  await senders.announce(key, sent_by);
  const { url, headers } = await uploads.sign({ key, bytes, contentType, seconds });
  telemetry.log('info', 'an upload is announced', { key, dataset: upload.dataset, bytes, sent_by });
  return { key, method: 'PUT', url, headers, expires_at, status: statusOf(key) };
}

/** What became of the files that lay under a key, the last that came first. @throws Problem invalid_parameter, not_found */
export async function arrivalsOf(
  asked: string | undefined,
  { arrivals, senders }: Pick<Ports, 'arrivals' | 'senders'>,
): Promise<{ key: string; state: ArrivalState | 'announced'; arrivals: readonly ShownArrival[] }> {
  const key = keyNamed(asked);
  const found = await arrivals.of(key);
  const state = found[0]?.state ?? ((await senders.find(key)) === undefined ? undefined : 'announced');
  if (state) return { key, state, arrivals: found.slice(0, MOST_ARRIVALS).map(shown) };
  throw new Problem(
    'not_found',
    'No file of this key has been noticed. One is, some seconds after all of it is there; look at the key letter by letter.',
  );
}

/** What the ledger says of a file: not who works on it, or in which of Spark's runs. */
function shown(arrival: Arrival) {
  const { key, version, state, bytes, arrived_at, sent_by } = arrival;
  return {
    key,
    version,
    state,
    bytes,
    arrived_at,
    sent_by,
    finished_at: arrival.finished_at ?? null,
    dataset: arrival.dataset ?? null,
    engine: arrival.engine ?? null,
    file: arrival.file ?? null,
    batch_id: arrival.batch_id ?? null,
    report: reportOf(arrival),
    refusal: arrival.refusal ? told(arrival.refusal) : null,
    kept_as: arrival.kept_as ?? null,
    broken: arrival.broken ? told(arrival.broken) : null,
  };
}

type ShownArrival = ReturnType<typeof shown>;

const told = ({ code, detail, facts }: Refusal) => ({ ...facts, code, detail });

/** Spark's batches are in the ledger once it is done with them. */
const REPORTED: ReadonlySet<ArrivalState> = new Set(['claiming', 'done']);

function reportOf({ file, batch_id, state }: Arrival): string | null {
  if (file !== undefined) return `/v1/files/${file}`;
  return batch_id !== undefined && REPORTED.has(state) ? `/v1/batches/${batch_id}` : null;
}
