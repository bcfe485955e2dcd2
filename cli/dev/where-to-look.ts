import type { Connection } from '../client/api';

/** Things that exist and can be looked at. */
export interface Examples {
  readonly invoice_no: string;
  readonly customer_id: string;
  readonly batch_id: string;
}

/** What `npm start` says when everything is loaded: the address, and lines to paste. */
export function whereToLook({ url, tokenUrl, id, secret }: Connection, directory: string, examples: Examples): string {
  const token =
    `$(curl -s -u ${id}:${secret} -d grant_type=client_credentials ${tokenUrl}` +
    ` | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
  const get = (path: string) => `  curl -s -H "Authorization: Bearer ${token}" ${url}/v1${path}`;
  return [
    '',
    `The API listens at ${url}/v1 (its description: ${url}/v1/openapi.json).`,
    `Data directory: ${directory} (landing/, rejected/ and raw/ as on S3). Paste:`,
    '',
    get(`/invoices/${encodeURIComponent(examples.invoice_no)}`),
    get(`/customers/${encodeURIComponent(examples.customer_id)}`),
    get(`/batches/${examples.batch_id}`),
    '',
    'Ctrl-C stops it; the next npm start finds its data again.',
  ].join('\n');
}
