import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { encodeRejected } from '../../shared/domain/lake';
import { drain, post, type TestWorld, testWorld } from '../support/world';
import type { GlueColumn } from './conversion/deployed';
import { serdes } from './conversion/readers';
import { peer } from './support/peer';

/*
 * Refused rows as Athena finds them: the objects of rejected/ read by the SerDe and the columns of the Glue table, and
 * what it read, by way of Parquet, as DuckDB sees it.
 */
const openx = peer({
  name: "OpenX's JSON SerDe (refused rows)",
  proves: [
    'by the Glue table it reads `cleaned` of refused rows as a map of texts: whole numbers as their digits, null as null',
  ],
  cannot: ["Athena's own reader, which takes the SerDe's name and is another program"],
});

let scratch: string;
let world: TestWorld;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ecomflow-refused-'));
  world = testWorld();
});
afterAll(() => {
  world?.remove();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

/** Columns of the table of refused rows. */
async function columnsOf(dataset: string): Promise<GlueColumn[]> {
  const { resources, idOf } = require('../../resources/catalog');
  const { Resources } = await resources({ resolveVariable: async () => ({ bucket: 'lake' }) });
  const { TableInput } = Resources[idOf({ name: dataset }, 'Rejected')].Properties;
  return TableInput.StorageDescriptor.Columns;
}

test('the values of refused rows come out as they were cleaned, and none where the row could not be read', async () => {
  const rows = [
    'C536379,D,Discount,-1,12/1/2010 9:41,27.50,14527,United Kingdom',
    'A563185,B,,1,8/12/2011 14:50,.0001,,"Eire, ""the"" isle"',
    '536380,22961,JAM,many,12/1/2010 9:41,1.45,17809,United Kingdom',
  ];
  const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
  const id = await post(world, 'transactions', [header, ...rows].join('\n'));
  await drain(world);
  const { head, entries } = (await world.batches.find(id))!;
  const { chunk_id } = entries[0]!;
  const refused = await world.rejects.read(head, chunk_id);
  const folder = join(scratch, 'rejected');
  mkdirSync(folder);
  writeFileSync(join(folder, 'rows.ndjson'), gunzipSync(encodeRejected({ ...head, chunk_id }, refused)));

  const { versions, convertBy } = await serdes(scratch);
  openx.version(versions.split(',')[0]!);
  const out = join(scratch, 'read');
  expect(await convertBy([{ serde: 'openx', columns: await columnsOf('transactions'), records: folder, out }])).toEqual(
    [3],
  );

  const duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  const cells = ['line', 'reason', 'text', ...NAMES.map((name) => `cleaned['${name}']`), 'cleaned is null'].join(', ');
  const read = await duckdb.runAndReadAll(`select ${cells} from '${join(out, 'rows.parquet')}' order by line`);
  duckdb.closeSync();
  const none = NAMES.map(() => null);
  expect(read.getRows()).toEqual([
    [
      2,
      'cancellation',
      rows[0],
      'C536379',
      '-1',
      '2010-12-01T09:41:00Z',
      '27.5',
      'Discount',
      '14527',
      'United Kingdom',
      false,
    ],
    [
      3,
      'bad_debt',
      rows[1],
      'A563185',
      '1',
      '2011-08-12T14:50:00Z',
      '0.0001',
      null,
      'Unknown',
      'Eire, "the" isle',
      false,
    ],
    [4, 'unparseable', rows[2], ...none, true],
  ]);
});

const NAMES = ['invoice_no', 'quantity', 'invoice_date', 'unit_price', 'description', 'customer_id', 'country'];
