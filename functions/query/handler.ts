import * as adapters from '#adapters';
import { http, ok } from '../../shared/adapters/lambda/http';
import { ROUTES, type Route } from '../../shared/domain/api';
import { openApi } from '../../shared/domain/openapi';
import { Problem } from '../../shared/domain/problem';
import { authorize } from '../../shared/pipeline/authorize';
import * as questions from '../../shared/pipeline/questions';

const ports = {
  tokens: adapters.tokens(),
  batches: adapters.batches(),
  files: adapters.files(),
  rejects: adapters.rejects(),
  invoices: adapters.invoices(),
  customers: adapters.customers(),
  telemetry: adapters.telemetry(),
};

const version = process.env.ECOMFLOW_VERSION ?? 'unknown';

type Answer = (question: questions.Question, available: typeof ports) => unknown;

const ANSWERS: Partial<Record<Route, Answer>> = {
  'GET /v1/batches/{batch_id}': questions.batch,
  'GET /v1/batches/{batch_id}/rejected': questions.rejectedRows,
  'GET /v1/files/{hash}': questions.file,
  'GET /v1/invoices/{invoice_no}': questions.invoice,
  'GET /v1/invoices/{invoice_no}/items/{stock_code}': questions.invoiceItems,
  'GET /v1/customers/{customer_id}': questions.customer,
  'GET /v1/customers/{customer_id}/invoices': questions.customerInvoices,
  'GET /v1/metrics': questions.metrics,
  'GET /v1/health': () => ({ status: 'ok', version, commit: process.env.ECOMFLOW_COMMIT }),
  'GET /v1/openapi.json': () => openApi(version),
};

/** Questions about what came in; the route table says which stage answers. */
export const handler = http(ports.telemetry, async ({ route, path, params, query, headers }) => {
  const answer = ANSWERS[route as Route];
  if (!answer) throw new Problem('not_found', 'There is no such resource.');
  const needed = ROUTES[route as Route];
  if (needed !== 'public') await authorize(headers.authorization, needed, ports);
  const question = { resource: path, path: params, limit: query.limit, cursor: query.cursor };
  return ok(await answer(question, ports), path);
});
