import { createHash } from 'node:crypto';
import type { Mail } from '../alert';

/*
 * How mails are worded. Names of files, reasons and messages are strangers' words: none of them brings a line, a header
 * or an order of its own, and none is longer than its place.
 */

/** Where a mail comes from. */
export interface Letterhead {
  readonly stage: string;
  /** The API's address, for links. */
  readonly api: string;
  /** The option by which commands name the stage; empty where they need none. */
  readonly option: string;
}

/** SNS takes fewer than 100 characters of ASCII. */
const LONGEST_SUBJECT = 99;
const LONGEST_LINE = 78;
/** Things that a mail lists; of the others it says how many there are. */
export const MOST_LISTED = 10;
export const LONGEST_NAME = 100;
const CUT = '...';

/** Strangers' text within a line, at most so many characters. */
export function plain(text: string, most = LONGEST_NAME): string {
  const shown = text
    .slice(0, 2 * most + 2)
    .replace(/\s+/g, ' ')
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, '?');
  const characters = [...shown];
  return characters.length <= most ? shown : `${characters.slice(0, most - CUT.length).join('')}${CUT}`;
}

/** The same in printable ASCII. */
const ascii = (text: string, most?: number): string => plain(plain(text, most).replace(/[^ -~]+/g, '?'), most);

/** What happened has so many characters in any case. */
const LEAST_WHAT = 10;

/** A subject: what it is about, a name that gives way where room is short, and what is not to be lost. */
export function subjectOf(
  { stage }: Letterhead,
  about: string | undefined,
  what: string,
  name: string,
  end: string,
): string {
  const begin = `ecomflow ${ascii(stage, 16)}: ${about === undefined ? '' : `${ascii(about, 20)}: `}`;
  const last = ascii(end, LONGEST_SUBJECT - begin.length - LEAST_WHAT);
  const said = begin + ascii(what, LONGEST_SUBJECT - begin.length - last.length);
  const room = LONGEST_SUBJECT - said.length - last.length - 1;
  return said + (name === '' || room < LEAST_WHAT ? '' : ` ${ascii(name, room)}`) + last;
}

/** 541909 as 541,909. */
export const figure = (n: number): string => n.toLocaleString('en-US');

/** `1 row`, `2 rows`. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${figure(n)} ${n === 1 ? one : many}`;

/** Counts by name: `cancellation 60, missing 3`; those of zero are left out, and there are not many of the others. */
export function byName(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).filter(([, n]) => n !== 0);
  const some = named.slice(0, MOST_LISTED).map(([name, n]) => `${plain(name, 40)} ${figure(n)}`);
  return more(some, named.length).join(', ');
}

/** Some of many, and how many more there are. */
export const more = (some: readonly string[], all: number): readonly string[] =>
  some.length < all ? [...some, `and ${figure(all - some.length)} more`] : some;

/** `2026-03-01 12:00:05 UTC`. */
export const moment = (iso: string): string => `${plain(iso.slice(0, 19)).replace('T', ' ')} UTC`;

/** `4 s`, `2 min 5 s`, `1 h 3 min`. */
export function duration(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${figure(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** Prose in lines of a mail's width; a word that is longer has a line of its own. */
export function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').filter((each) => each !== '')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > LONGEST_LINE) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

/** Where what a label says begins. */
const LABEL = 15;

/** A label and what it says, under one another. A command is to be copied: it stays in one line. */
export function labelled(label: string, text: string): string[] {
  const indent = ' '.repeat(LABEL);
  const [first, ...rest] = label === 'command' ? [indent + text] : wrapped(text, indent);
  return [`  ${label}:`.padEnd(LABEL) + first!.slice(LABEL), ...rest];
}

export const batchLink = ({ api }: Letterhead, batch_id: string): string => `${api}/v1/batches/${batch_id}`;
export const statusCommand = ({ api }: Letterhead, what: string): string => `npm run status -- ${what} --url ${api}`;

/** A mail of parts with a blank line between them. `tells` are its facts: the same facts are the same mail. */
export function mailOf(
  mail: Omit<Mail, 'id' | 'body'>,
  tells: readonly string[],
  parts: readonly (readonly string[])[],
): Mail {
  const content = JSON.stringify([mail.kind, mail.dataset, [...tells].sort()]);
  const body = parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
  return { id: createHash('sha256').update(content).digest('hex').slice(0, 32), ...mail, body: `${body}\n` };
}
