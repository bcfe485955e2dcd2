import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mail } from '../../domain/alert';
import { type Clock, type Post, Unavailable } from '../../pipeline/ports';
import type { LakeFolder } from './lake';

const OUTBOX = 'outbox';
/** RFC 2606 keeps .invalid free: no mail goes anywhere by mistake. */
const FROM = 'ecomflow <alerts@ecomflow.invalid>';
const TO = 'ecomflow operators <operators@ecomflow.invalid>';
const LONGEST_LINE = 998; // bytes; RFC 5322, 2.1.1
const BASE64_LINE = /.{1,76}/g; // RFC 2045, 6.8

/** A mail in the outbox: where it lies in the data directory, and what its subject says. */
export interface Sent {
  readonly file: string;
  readonly subject: string;
}

/** Mails as files that mail programs open, one for each mail's id, their names in the order of time. */
export function outboxIn(lake: LakeFolder, directory: string, clock: Clock): Post {
  let last: Promise<unknown> = Promise.resolve();
  const send = async (mail: Mail) => {
    const isSent = (await filesIn(directory)).some((file) => file.endsWith(`-${mail.id}.eml`));
    const now = clock.now();
    if (!isSent) await lake.put(`${OUTBOX}/${stamp(now)}-${mail.id}.eml`, messageOf(mail, now));
  };
  return {
    async send(mail) {
      // One behind the other, or the same mail would be sent twice under two names.
      const sent = last.then(() => send(mail));
      last = sent.catch(() => undefined); // whoever sent it hears
      await sent;
    },
  };
}

/** Mails that were sent at a time or later. */
export async function mailsSince(directory: string, time: Date): Promise<Sent[]> {
  const files = (await filesIn(directory)).filter((file) => file >= stamp(time)).sort();
  return Promise.all(
    files.map(async (name) => {
      const text = await readFile(join(directory, OUTBOX, name), 'utf8');
      return { file: `${OUTBOX}/${name}`, subject: /^Subject: (.*)\r$/m.exec(text)?.[1] ?? name };
    }),
  );
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(join(directory, OUTBOX))).filter((file) => /^\d.*\.eml$/.test(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Unavailable('the outbox cannot be read', { cause });
  }
}

/** 2026-03-01T12-00-00-000Z: a name that every file system takes. */
const stamp = (time: Date): string => time.toISOString().replace(/[:.]/g, '-');

/** A mail as RFC 5322 and RFC 2045 have it: to be read with any pager, unless a line is too long for that. */
export function messageOf({ id, kind, severity, subject, body }: Mail, date: Date): string {
  const lines = body.split('\n');
  const isReadable = lines.every((line) => Buffer.byteLength(line) <= LONGEST_LINE);
  const text = lines.join('\r\n');
  return [
    `From: ${FROM}`,
    `To: ${TO}`,
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@ecomflow.invalid>`,
    `Subject: ${subject}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Transfer-Encoding: ${isReadable ? '8bit' : 'base64'}`,
    `X-Ecomflow-Kind: ${kind}`,
    `X-Ecomflow-Severity: ${severity}`,
    '',
    ...(isReadable ? [text] : [...Buffer.from(text).toString('base64').match(BASE64_LINE)!, '']),
  ].join('\r\n');
}
