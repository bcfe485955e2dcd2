/* Examples of the API's document: the first invoice of UCI Online Retail, and a click of REES46's shop. */

import { insights } from '../insight';

const batch_id = 'd2f1a6c0b94e4f7a8c35e61907b2d48f';
const file = '6b1f0e4d8a2c97350fe1b4d6c8a9027355e1d0c2b3a4f5968778695a4b3c2d1e';
const invoice = {
  invoice_no: '536365',
  invoice_date: '2010-12-01T08:26:00Z',
  customer_id: '17850',
  country: 'United Kingdom',
};
const row = {
  invoice_no: '536365',
  stock_code: '85123A',
  description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  quantity: 6,
  invoice_date: '2010-12-01T08:26:00Z',
  unit_price: '2.55',
  customer_id: '17850',
  country: 'United Kingdom',
};
const line = { line_id: '409e1a99433e6db6d842be938c2c4c35', ...row };
const balance = {
  status: 'complete',
  received: 1000,
  kept: 972,
  duplicate: 9,
  rejected: { cancellation: 18, missing: 1 },
  pending: 0,
  balanced: true,
  failed: [],
};
const invoices = [{ invoice_no: '536365', invoice_date: '2010-12-01T08:26:00Z', country: 'United Kingdom' }];
const customer = { customer_id: '17850', invoices, next_cursor: null };

const profile = {
  customer_id: '17850',
  country: 'United Kingdom',
  segment: 'lost',
  recency_days: 372,
  frequency: 34,
  monetary: '5391.2100',
  r: 1,
  f: 5,
  m: 5,
  first_order: '2010-12-01',
  last_order: '2010-12-02',
  average_order: '158.56',
  rhythm_days: 1,
  churn_risk: 'lost',
};
const salesByDay = insights.get('sales_by_day')!;
const built = { built_at: '2026-03-01T02:45:10.000Z', failed_at: null };
const insight = {
  name: salesByDay.name,
  question: salesByDay.question,
  grain: salesByDay.grain,
  columns: salesByDay.columns.map((column) => ({ ...column, unit: column.unit ?? null })),
  cannot: salesByDay.cannot,
  ...built,
};

const key = 'inbox/transactions/4f7a8c35e61907b2d48fd2f1a6c0b94e.csv.gz';

/** What is said of a file that is to be uploaded. */
export const UPLOAD = { dataset: 'transactions', bytes: 734003200, name: 'sales-2025.csv.gz', charset: 'iso-8859-1' };

/** A body for each data set and type. */
export const BODIES: Readonly<Record<string, { readonly csv: string; readonly json: readonly object[] }>> = {
  transactions: {
    csv: 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom\n',
    json: [row],
  },
  events: {
    csv: 'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n2019-10-01 00:00:00 UTC,cart,5773203,1487580005134238553,,runail,2.62,463240011,26dd6e6e-4dac-4778-8d2c-92e149dab885\n',
    json: [
      {
        event_time: '2019-10-01T00:00:00Z',
        event_type: 'cart',
        product_id: '5773203',
        category_id: '1487580005134238553',
        category_code: null,
        brand: 'runail',
        price: '2.62',
        user_id: '463240011',
        user_session: '26dd6e6e-4dac-4778-8d2c-92e149dab885',
      },
    ],
  },
};

/** An answer for each schema that an operation answers with. */
export const ANSWERS = {
  Accepted: { batch_id, dataset: 'transactions', rows: 1000, chunks: 1, known: false },
  Validation: {
    dataset: 'transactions',
    rows: 2,
    kept: 1,
    rejected: { cancellation: 1 },
    verdicts: [
      { line: 2, kind: 'kept', line_id: line.line_id, row },
      { line: 3, kind: 'rejected', reason: 'cancellation', field: 'invoice_no' },
    ],
    truncated: false,
  },
  Upload: {
    key,
    method: 'PUT',
    url: `https://shop-lake.s3.eu-central-1.amazonaws.com/${key}?X-Amz-Expires=900&X-Amz-Signature=0e4d8a2c97350fe1`,
    headers: {
      'content-length': '734003200',
      'content-type': 'text/csv; charset=iso-8859-1',
      'if-none-match': '*',
    },
    expires_at: '2026-03-01T12:15:00.000Z',
    status: `/v1/arrivals?key=${key}`,
  },
  Arrivals: {
    key,
    state: 'done',
    arrivals: [
      {
        key,
        version: '3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY',
        state: 'done',
        bytes: 734003200,
        arrived_at: '2026-03-01T12:03:20.000Z',
        sent_by: 'ecomflow-local-shop',
        finished_at: '2026-03-01T12:04:05.250Z',
        dataset: 'transactions',
        engine: 'stream',
        file,
        batch_id: null,
        report: `/v1/files/${file}`,
        refusal: null,
        kept_as: null,
        broken: null,
      },
    ],
  },
  Batch: {
    batch_id,
    dataset: 'transactions',
    contract_version: 1,
    ...balance,
    chunks: { total: 1, cleaned: 1, revised: 0 },
    received_at: '2026-03-01T12:00:00.000Z',
    accepted_at: '2026-03-01T12:00:00.120Z',
    sent_by: 'ecomflow-local-shop',
    file: { hash: file, part: 1, parts: 1 },
    origin: { key, version: '3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHY' },
  },
  Redrive: { batch_id, rows: 19, replay: false, status: `/v1/batches/${batch_id}` },
  File: { file, dataset: 'transactions', ...balance, parts: { total: 1, accepted: [1] }, batches: [batch_id] },
  RejectedRows: {
    batch_id,
    rows: [
      {
        line: 142,
        reason: 'cancellation',
        field: 'invoice_no',
        text: 'C536379,D,Discount,-1,12/1/2010 9:41,27.5,14527,United Kingdom',
      },
    ],
    next_cursor: null,
  },
  Invoice: { ...invoice, line_count: 1, total: '15.3', lines: [line], next_cursor: null },
  InvoiceItems: [line],
  Customer: { country: 'United Kingdom', profile, ...customer },
  CustomerInvoices: customer,
  Insights: {
    built_at: built.built_at,
    datasets: [
      {
        dataset: 'transactions',
        first_day: '2010-12-01',
        last_day: '2011-12-09',
        rows: 524877,
        removed_duplicates: 0,
        batches: 11,
        received: 541909,
        kept: 524877,
        duplicate: 5231,
        rejected: { bad_debt: 3, cancellation: 9288, non_positive_price: 1174, non_positive_quantity: 1336 },
        pending: 0,
        balanced: true,
      },
    ],
    insights: [{ ...insight, reads: salesByDay.reads, range: salesByDay.range, rows: 305 }],
  },
  Insight: {
    ...insight,
    from: '2010-12-01',
    to: '2011-12-09',
    rows: [
      {
        day: '2010-12-01',
        revenue: '58776.7900',
        orders: 127,
        lines: 3067,
        pieces: 32212,
        average_order: '462.81',
      },
    ],
    truncated: true,
  },
  Live: {
    at: '2026-03-01T12:00:01.000Z',
    day: '2026-03-01',
    timezone: 'UTC',
    behind: false,
    transactions: {
      revenue: '139.12',
      orders: 3,
      lines: 8,
      pieces: 54,
      by_hour: Array.from({ length: 24 }, (_, hour) => ({
        hour,
        orders: hour === 9 ? 3 : 0,
        revenue: hour === 9 ? '139.12' : '0',
      })),
      top_products: [
        { stock_code: '85123A', description: 'WHITE HANGING HEART T-LIGHT HOLDER', revenue: '15.3', pieces: 6 },
      ],
      products_cut: false,
    },
    events: {
      events: 12,
      views: 9,
      carts: 2,
      removals: 0,
      purchases: 1,
      purchase_value: '489.07',
      active_users: 4,
      active_users_error: 0.016,
      by_hour: Array.from({ length: 24 }, (_, hour) => ({
        hour,
        events: hour === 9 ? 12 : 0,
        purchases: hour === 9 ? 1 : 0,
      })),
      categories: [
        {
          category_id: '2053013555631882655',
          category_code: 'electronics.smartphone',
          purchases: 1,
          value: '489.07',
        },
      ],
      categories_cut: false,
    },
  },
  Metrics: {
    meters: [
      {
        meter: 'RowsKept',
        unit: 'Count',
        meaning: 'rows that clean kept',
        dataset: 'transactions',
        count: 2,
        sum: 1944,
        max: 972,
        last: 972,
        last_at: '2026-03-01T12:00:01.000Z',
      },
    ],
  },
  Health: { status: 'ok', version: '0.1.0', commit: '8c71012d5f1e4a7b9c3d2e1f0a9b8c7d6e5f4a3b' },
} as const;
