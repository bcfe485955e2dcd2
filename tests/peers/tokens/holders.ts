import type { Route } from '../../../shared/domain/api';
import { type Json, PEOPLE, SHOP } from './mint';

const SEND = ['POST /v1/transactions', 'POST /v1/events', 'POST /v1/{dataset}/validate', 'POST /v1/uploads'] as const;
const LEDGER = [
  'GET /v1/arrivals',
  'GET /v1/batches/{batch_id}',
  'GET /v1/batches/{batch_id}/rejected',
  'GET /v1/files/{hash}',
  'GET /v1/metrics',
] as const;
const READ = [
  'GET /v1/live',
  'GET /v1/invoices/{invoice_no}',
  'GET /v1/invoices/{invoice_no}/items/{stock_code}',
  'GET /v1/customers/{customer_id}',
  'GET /v1/customers/{customer_id}/invoices',
  'GET /v1/insights',
  'GET /v1/insights/{name}',
] as const;

const ADMIN = ['POST /v1/batches/{batch_id}/redrive'] as const;

/** What the design opens to everyone, and what it guards. */
export const PUBLIC: readonly Route[] = ['GET /v1/health', 'GET /v1/openapi.json'];
export const GUARDED: readonly Route[] = [...SEND, ...LEDGER, ...READ, ...ADMIN];

/** Somebody with a good token, and where the design lets them in; elsewhere they are forbidden. */
export interface Holder {
  readonly who: string;
  readonly claims: Json;
  readonly may: readonly Route[];
}

const machine = (scope: string): Json => ({ client_id: SHOP, sub: SHOP, scope });
const person = (groups: readonly string[] | undefined, scope = 'openid profile'): Json => ({
  client_id: PEOPLE,
  sub: 'somebody',
  scope,
  'cognito:groups': groups,
});
const OURS = 'openid ecomflow/ingest ecomflow/read ecomflow/admin';

export const HOLDERS: readonly Holder[] = [
  { who: 'a machine with scope ingest', claims: machine('ecomflow/ingest'), may: [...SEND, ...LEDGER] },
  { who: 'a machine with scope read', claims: machine('ecomflow/read'), may: [...LEDGER, ...READ] },
  { who: 'a machine with scope admin', claims: machine('ecomflow/admin'), may: GUARDED },
  {
    who: 'a machine with scopes ingest and read',
    claims: machine('ecomflow/ingest ecomflow/read'),
    may: [...SEND, ...LEDGER, ...READ],
  },
  { who: 'a machine with no scope', claims: machine(''), may: [] },
  {
    who: 'a machine with scopes that resemble ours',
    claims: machine('admin ecomflow/ ecomflow/readx Ecomflow/Read'),
    may: [],
  },
  { who: 'a person of group ingest', claims: person(['ingest']), may: [...SEND, ...LEDGER] },
  { who: 'a person of group analyst', claims: person(['analyst']), may: [...LEDGER, ...READ] },
  { who: 'a person of group admin', claims: person(['admin']), may: GUARDED },
  { who: 'a person of no group', claims: person(undefined), may: [] },
  { who: 'a person of an empty list of groups', claims: person([]), may: [] },
  { who: 'a person of another group', claims: person(['Admin', 'ecomflow/admin', 'administrators']), may: [] },
  { who: 'an analyst with all of our scopes', claims: person(['analyst'], OURS), may: [...LEDGER, ...READ] },
];
