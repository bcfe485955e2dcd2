import { resolve } from 'node:path';
import type { LocalWorld } from '../../shared/adapters/local';
import type { Sent } from '../../shared/adapters/local/outbox';
import type { Connection } from '../client/connect';
import type { FileReport } from '../client/upload';

const ANY_CUSTOMER = 'select invoice_no, customer_id from customers limit 1';

/** Three paths of the API that have an answer: of an invoice, its customer and a batch, or what there is without. */
export function worthALook(world: Pick<LocalWorld, 'inspect'>, { file, batches }: FileReport): string[] {
  const example = world.inspect().get<{ invoice_no: string; customer_id: string }>(ANY_CUSTOMER);
  const batch = `/batches/${batches[0]}`;
  return example
    ? [`/invoices/${inUrl(example.invoice_no)}`, `/customers/${inUrl(example.customer_id)}`, batch]
    : [batch, `${batch}/rejected`, `/files/${file}`];
}

/** Also safe within a shell's line. */
const inUrl = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);

/**
 * What `npm start` says when everything is loaded: the addresses, and lines to paste. `password` is the analyst's. The
 * dashboard comes last, where a terminal shows it without scrolling.
 */
export function whereToLook(
  { url, tokenUrl, id, secret }: Connection,
  directory: string,
  paths: readonly string[],
  mails: readonly Sent[] = [],
  password?: string,
): string {
  const token =
    `$(curl -s -u ${id}:${secret} -d grant_type=client_credentials ${tokenUrl}` +
    ` | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
  return [
    '',
    `The API listens at ${url}/v1 (its description: ${url}/v1/openapi.json).`,
    `Data directory: ${directory} (landing/, rejected/ and raw/ as on S3). Paste:`,
    '',
    `  TOKEN=${token}`,
    ...paths.map((path) => `  curl -s -H "Authorization: Bearer $TOKEN" ${url}/v1${path}`),
    '',
    ...(mails.length > 0 ? [mailsInWords(mails), ''] : []),
    ...(password === undefined ? [] : [dashboardInWords(url, directory, password), '']),
    'Ctrl-C stops it; the next npm start finds its data again.',
  ].join('\n');
}

const dashboardInWords = (url: string, directory: string, password: string): string => {
  const there = directory === resolve('.ecomflow') ? '' : ` --dir '${directory}'`;
  return [
    `Dashboard: ${url}/  sign in as analyst, password ${password}`,
    `  To see today move, in another terminal: npm run simulate -- --live${there}`,
  ].join('\n');
};

const MOST_LISTED = 10;

/** Mails with their files in the data directory, the last ones. */
export function mailsInWords(mails: readonly Sent[]): string {
  const listed = mails.slice(-MOST_LISTED).map(({ file, subject }) => `  ${subject}\n    ${file}`);
  const others = mails.length > MOST_LISTED ? [`  and ${mails.length - MOST_LISTED} before these`] : [];
  return [
    mails.length === 1 ? '1 mail of this start:' : `${mails.length} mails of this start:`,
    ...others,
    ...listed,
  ].join('\n');
}
