import type { Route } from '../domain/api';
import { openApi } from '../domain/openapi';
import type { Ports } from './ports';
import * as questions from './questions';

/** What runs here, as its build says. */
export interface Release {
  readonly version: string;
  readonly commit: string | undefined;
}

type Asked = Pick<Ports, 'batches' | 'files' | 'rejects' | 'invoices' | 'customers' | 'profiles' | 'telemetry'>;
type Answer = (question: questions.Question, ports: Asked) => unknown;

/** What answers a question, by its route. */
export const answersOf = ({ version, commit }: Release): Partial<Record<Route, Answer>> => ({
  'GET /v1/batches/{batch_id}': questions.batch,
  'GET /v1/batches/{batch_id}/rejected': questions.rejectedRows,
  'GET /v1/files/{hash}': questions.file,
  'GET /v1/invoices/{invoice_no}': questions.invoice,
  'GET /v1/invoices/{invoice_no}/items/{stock_code}': questions.invoiceItems,
  'GET /v1/customers/{customer_id}': questions.customer,
  'GET /v1/customers/{customer_id}/invoices': questions.customerInvoices,
  'GET /v1/metrics': questions.metrics,
  'GET /v1/health': () => ({ status: 'ok', version, commit }),
  'GET /v1/openapi.json': () => openApi(version),
});
