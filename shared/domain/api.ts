import type { Permission } from './access';

/** The routes of the API: what serverless.yml must send to which function, and what a caller must hold. */
export const ROUTES = {
  'POST /v1/transactions': 'ingest',
  'POST /v1/events': 'ingest',
  'POST /v1/{dataset}/validate': 'ingest',
  'POST /v1/uploads': 'ingest',
  'GET /v1/arrivals': 'ingest or read',
  'GET /v1/batches/{batch_id}': 'ingest or read',
  'GET /v1/batches/{batch_id}/rejected': 'ingest or read',
  'POST /v1/batches/{batch_id}/redrive': 'admin',
  'GET /v1/files/{hash}': 'ingest or read',
  'GET /v1/invoices/{invoice_no}': 'read',
  'GET /v1/invoices/{invoice_no}/items/{stock_code}': 'read',
  'GET /v1/customers/{customer_id}': 'read',
  'GET /v1/customers/{customer_id}/invoices': 'read',
  'GET /v1/live': 'read',
  'GET /v1/insights': 'read',
  'GET /v1/insights/{name}': 'read',
  'GET /v1/metrics': 'ingest or read',
  'GET /v1/health': 'public',
  'GET /v1/openapi.json': 'public',
} as const satisfies Record<string, Permission | 'public'>;

export type Route = keyof typeof ROUTES;

/** What is there for a browser: the dashboard and its settings. Public, and no part of the API. */
export const PAGES: readonly string[] = ['GET /', 'GET /assets/{file}', 'GET /config.json'];
