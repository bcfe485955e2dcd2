import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { landedIn } from '../../../shared/adapters/local/landed';
import { datasets } from '../../../shared/domain/dataset';
import type { KeptRow } from '../../../shared/domain/outcome';
import { toParquet } from '../../../shared/domain/parquet';
import { readLanded } from '../../../shared/domain/parquet-reader';
import type { LandedFile } from '../../../shared/pipeline/ports';

const transactions = datasets.get('transactions')!;

/** The landed files of transactions in a lake. */
export async function landedFiles(lake: string): Promise<LandedFile[]> {
  const files: LandedFile[] = [];
  for await (const file of landedIn(lake).list('transactions')) files.push(file);
  return files;
}

/** Every row of a lake's transactions. */
export async function landedRows(lake: string): Promise<KeptRow[]> {
  const rows: KeptRow[] = [];
  for (const file of await landedFiles(lake)) {
    for await (const block of readLanded(landedIn(lake).open(file), transactions)) rows.push(...block);
  }
  return rows;
}

/** A lake of its own, without files. */
export const emptyLake = (): string => mkdtempSync(join(tmpdir(), 'ecomflow-lake-'));

/** Writes rows of transactions as one landed file; its key. */
export function land(lake: string, key: string, rows: readonly KeptRow[]): string {
  const file = join(lake, 'landing/transactions', key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, toParquet(transactions, 'peers', rows));
  return `landing/transactions/${key}`;
}

/** Rows by hand, one of an invoice each, in the place of quantity what they are. */
export const rowsOf = (...quantities: number[]): KeptRow[] =>
  quantities.map((n) => ({
    line_id: n.toString(16).padStart(32, '0'),
    row: {
      invoice_no: String(n),
      stock_code: 'A',
      description: null,
      quantity: n,
      invoice_date: '2010-12-01T08:26:00Z',
      unit_price: '0.1',
      customer_id: '17850',
      country: 'France',
    },
  }));
