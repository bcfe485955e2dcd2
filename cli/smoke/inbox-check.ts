import { arrivalKey } from '../../shared/domain/arrival';
import { fileKey } from '../../shared/domain/ledger';
import { balanced } from './api-checks';
import { removeLedger } from './cleanup';
import { ask, get } from './http';
import { keysUnder, remove } from './lake';
import { Broken, type Check, same, until, type Walk } from './walk';

/** From the last byte of a file to its last outcome: event, queue, function, stream. */
const NOTICED_S = 120;
const PUT_MS = 30_000;

interface Arrival {
  readonly state: string;
  readonly file: string | null;
  readonly kept_as: string | null;
  readonly refusal: { readonly code: string } | null;
}

/** What becomes of files, from the address that takes one to the ledger. */
export const INBOX_CHECK: Check = {
  title:
    'a file that is uploaded is taken in like rows that are sent, and what is no file of rows is kept with its reason',
  async run(walk) {
    const { upload } = walk.rows;
    const key = await put(walk, 'rows.csv.gz', upload.bytes);
    const taken = await arrival(walk, key, ['done', 'refused', 'failed']);
    if (taken.state !== 'done') throw new Broken(`${key} is ${taken.state}: ${JSON.stringify(taken.refusal)}`);
    walk.leaves('what the ledger says of the file', () => removeLedger(walk, fileKey(taken.file!)));
    const { batches } = (await get(walk, `/files/${taken.file}`)) as { batches?: string[] };
    same('batches of the file', batches?.length, 1);
    await balanced(walk, upload, batches![0]!);

    const bad = await put(walk, 'picture.csv', Buffer.from('89504e470d0a1a0a', 'hex'));
    const refused = await arrival(walk, bad, ['done', 'refused', 'failed']);
    same('a picture', [refused.state, refused.refusal?.code], ['refused', 'not_in_charset']);
    const kept = refused.kept_as ?? '';
    const found = await keysUnder(walk, kept.replace(/-[^-]*$/, ''));
    walk.leaves('a refused file', () => Promise.all(found.map((object) => remove(walk, object))));
    same('the refused file and its reason', found.length, 2);
    return undefined;
  },
};

/** Asks for an address and puts a file there. Its key. */
async function put(walk: Walk, name: string, bytes: Buffer): Promise<string> {
  const { status, body, text } = await ask(walk, walk.found.machine, '/uploads', {
    headers: { 'content-type': 'application/json' },
    bytes: Buffer.from(JSON.stringify({ dataset: 'transactions', bytes: bytes.length, name })),
  });
  if (status !== 201) throw new Broken(`POST /uploads: ${status} ${text.slice(0, 300)}`);
  const { key, url, headers } = body as unknown as { key: string; url: string; headers: Record<string, string> };
  walk.leaves('a file in the inbox', () => remove(walk, key));
  walk.leaves('what the ledger says of its key', () => removeLedger(walk, arrivalKey(key)));
  const signal = AbortSignal.any([walk.signal, AbortSignal.timeout(PUT_MS)]);
  const answer = await fetch(url, { method: 'PUT', headers, body: bytes as Uint8Array<ArrayBuffer>, signal });
  if (!answer.ok) throw new Broken(`PUT of ${name}: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
  return key;
}

/** What is said of a key once its state is one of these. */
const arrival = (walk: Walk, key: string, states: readonly string[]): Promise<Arrival> =>
  until(walk, `${key} is noticed and worked on`, NOTICED_S, async () => {
    const { arrivals } = (await get(walk, `/arrivals?key=${encodeURIComponent(key)}`)) as { arrivals?: Arrival[] };
    const newest = arrivals?.[0];
    return newest && states.includes(newest.state) ? newest : undefined;
  });
