import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, Unavailable, type Uploads } from '../../pipeline/ports';

/** What stands before a key in the path of its address. */
export const UPLOADS_PATH = '/uploads/';

/** All that an address holds: a file of another key, size or type, or one that comes later, is not what was signed. */
export interface Ticket {
  readonly key: string;
  readonly bytes: number;
  readonly contentType: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

const secretFile = (directory: string) => join(directory, 'upload-secret');

/** Where the upload server of a data directory writes down its port. */
export const uploadPortFile = (directory: string) => join(directory, 'upload-port');

/** Makes the directory's secret unless it has one. */
export function ensureUploadSecret(directory: string): void {
  const file = secretFile(directory);
  if (existsSync(file)) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${file}.tmp`, randomBytes(32), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** JSON, so that no part can pass for the beginning of the next. */
const signatureOf = (directory: string, { key, bytes, contentType, expires }: Ticket): Buffer =>
  createHmac('sha256', readFileSync(secretFile(directory)))
    .update(JSON.stringify(['PUT', key, bytes, contentType, expires]))
    .digest();

/** Whether the directory's secret signed a ticket. */
export function isSigned(directory: string, ticket: Ticket, signature: string): boolean {
  const [right, sent] = [signatureOf(directory, ticket), Buffer.from(signature, 'hex')];
  return sent.length === right.length && timingSafeEqual(right, sent);
}

/** Addresses at the upload server of a data directory, which takes what S3 would. */
export const uploadsIn = (directory: string, clock: Clock): Uploads => ({
  async sign({ key, bytes, contentType, seconds }) {
    const port = portOf(directory);
    const expires = Math.floor(clock.now().getTime() / 1000) + seconds;
    const signature = signatureOf(directory, { key, bytes, contentType, expires }).toString('hex');
    const query = new URLSearchParams({ bytes: String(bytes), expires: String(expires), signature });
    const path = key.split('/').map(encodeURIComponent).join('/');
    return {
      url: `http://127.0.0.1:${port}${UPLOADS_PATH}${path}?${query}`,
      headers: { 'content-length': String(bytes), 'content-type': contentType, 'if-none-match': '*' },
    };
  },
});

function portOf(directory: string): string {
  try {
    return readFileSync(uploadPortFile(directory), 'utf8').trim();
  } catch (cause) {
    throw new Unavailable(`no upload server has run in ${directory}`, { cause });
  }
}
