import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Item } from '../../../shared/adapters/aws/attributes';
import { claimedItems, invoiceItems } from '../../../shared/adapters/aws/invoice-item';
import { dynamoInvoices } from '../../../shared/adapters/aws/invoices';
import { cleanRows } from '../../../shared/domain/clean';
import { datasets } from '../../../shared/domain/dataset';
import type { InvoiceLine, InvoicePart } from '../../../shared/domain/invoice';
import type { Chunk } from '../../../shared/domain/packing';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, itemBytes, type Sent, sdkError } from './fake';

const CHUNK = `${'0a'.repeat(16)}-1-0123456789ab`;
const { contract } = datasets.get('transactions')!;

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const decimal = fc.tuple(fc.bigInt({ min: -999999999999n, max: 999999999999n })).map(([n]) => {
  const digits = String(n < 0n ? -n : n).padStart(5, '0');
  const fraction = digits.slice(-4).replace(/0+$/, '');
  return `${n < 0n ? '-' : ''}${digits.slice(0, -4)}${fraction && `.${fraction}`}`;
});
const line = (invoice_no: string): fc.Arbitrary<InvoiceLine> =>
  fc.record({
    line_id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    chunk_id: fc.constantFrom(CHUNK, `${'ff'.repeat(16)}-17-ba9876543210`, `${'1b'.repeat(16)}-2-0123456789ab`),
    row: fc.record({
      invoice_no: fc.constant(invoice_no),
      stock_code: word,
      description: fc.option(fc.oneof(word, fc.constant('')), { nil: null }),
      quantity: fc.oneof(fc.integer({ min: -2147483648, max: 2147483647 }), fc.constant(0)),
      invoice_date: fc.constantFrom('2010-12-01T08:26:00Z', '2011-01-01T00:00:00.000001Z'),
      unit_price: fc.oneof(decimal, fc.constantFrom('0.0001', '0', '100', '-5', '99999999.9999')),
      customer_id: fc.constantFrom('Unknown', '17850'),
      country: fc.constantFrom('France', 'Ünited Kingdom 🇬🇧'),
    }),
  });
const part: fc.Arbitrary<InvoicePart> = word.chain((invoice_no) =>
  fc.record({
    invoice_no: fc.constant(invoice_no),
    part: fc.nat(40),
    version: fc.integer({ min: 1, max: 1_000_000 }),
    lines: fc.array(line(invoice_no), { maxLength: 12 }),
  }),
);

/** What DynamoDB is sent and answers is JSON, with bytes apart. */
const overTheWire = (item: Item): Item => structuredClone(item);

describe('an item of the Invoices table', () => {
  test('gives back exactly what was put into it', () => {
    const { encode, decode } = claimedItems();
    fc.assert(fc.property(part, (given) => expect(decode(overTheWire(encode(given)))).toEqual(given)));
  });

  test('keeps the order of the columns', () => {
    const { encode, decode } = claimedItems();
    const [given] = fc.sample(
      part.filter(({ lines }) => lines.length > 0),
      1,
    );
    expect(Object.keys(decode(encode(given!)).lines[0]!.row)).toEqual(contract.columns.map(({ name }) => name));
  });

  test('takes a column that came after the first version, and reads items from before', () => {
    const [given] = fc.sample(
      part.filter(({ lines }) => lines.length > 1),
      1,
    );
    const discount = { name: 'discount', type: 'decimal(5,2)', from: [], nullable: true, description: '' };
    const grown = invoiceItems([...contract.columns, discount], 'invoice_no');
    const lines = given!.lines.map((old, i) => ({ ...old, row: { ...old.row, discount: i === 0 ? '0.15' : null } }));
    expect(grown.decode(grown.encode({ ...given!, lines })).lines).toEqual(lines);

    const before = grown.decode(claimedItems().encode(given!));
    expect(before.lines).toEqual(given!.lines.map((old) => ({ ...old, row: { ...old.row, discount: null } })));
  });

  test('of 26 real lines costs two write units, and 75 bytes a line', () => {
    const { encode } = claimedItems();
    const invoices = invoicesOf(someRows());
    const common = invoices.filter(({ lines }) => lines.length >= 20 && lines.length <= 32);
    const lines = common.reduce((sum, one) => sum + one.lines.length, 0);
    const bytes = common.reduce((sum, one) => sum + itemBytes(encode(one)), 0);
    expect(common.length).toBeGreaterThan(3);
    expect(bytes / lines).toBeLessThan(75);
    expect(Math.ceil(((bytes / lines) * 26) / 1024)).toBe(2);
    for (const one of common) expect(itemBytes(encode(one))).toBeLessThan(4 * 1024);
  });
});

/** The first rows of the real file; where it is not there, rows of the same make. */
function someRows(): string {
  const data = process.env.ECOMFLOW_DATA ?? join(__dirname, '../../../../shared/data');
  try {
    const text = gunzipSync(readFileSync(join(data, 'online-retail.csv.gz'))).toString('utf8');
    return text.slice(text.indexOf('\n') + 1, 600_000).replace(/\r?\n[^\n]*$/, '\n');
  } catch (error) {
    console.warn(`${data}: no real rows, simulated ones are measured instead (${(error as Error).message})`);
    const rows = Array.from({ length: 26 * 20 }, (_, i) => {
      const invoice = 536365 + Math.floor(i / 26);
      return `${invoice},${22000 + i},RED WOOLLY HOTTIE NUMBER ${i % 97},${1 + (i % 12)},12/1/2010 8:26,${1 + (i % 9)}.${i % 100},17850,United Kingdom\n`;
    });
    return rows.join('');
  }
}

function invoicesOf(text: string): InvoicePart[] {
  const columns = [
    'invoice_no',
    'stock_code',
    'description',
    'quantity',
    'invoice_date',
    'unit_price',
    'customer_id',
    'country',
  ];
  const chunk: Chunk = {
    dataset: 'transactions',
    contract_version: 1,
    batch_id: '0a'.repeat(16),
    number: 1,
    first_line: 2,
    rows: 0,
    format: 'csv',
    columns,
    received_at: '2026-01-01T00:00:00Z',
    chunk_id: CHUNK,
    text,
  };
  const { accepted } = cleanRows(chunk, datasets.get('transactions')!);
  const byInvoice = Map.groupBy(accepted, ({ row }) => String(row.invoice_no));
  return [...byInvoice].map(([invoice_no, rows]) => ({
    invoice_no,
    part: 0,
    version: 1,
    lines: rows.map((kept) => ({ ...kept, chunk_id: chunk.chunk_id })),
  }));
}

describe('the Invoices table', () => {
  const empty = (invoice_no: string, part: number, version: number): InvoicePart => ({
    invoice_no,
    part,
    version,
    lines: [],
  });
  const { encode } = claimedItems();

  test('reads all parts of each invoice, page by page, as the last write left them', async () => {
    const client = fakeClient(({ input }) => {
      const no = input.ExpressionAttributeValues[':no']!.S!;
      if (no === 'unknown') return { Items: [] };
      if (input.ExclusiveStartKey) return { Items: [encode(empty(no, 1, 1))] };
      return { Items: [encode(empty(no, 0, 3))], LastEvaluatedKey: { invoice_no: { S: no } } };
    });
    const read = await dynamoInvoices(client, 'invoices').read(['1', 'unknown', '1']);
    expect([...read]).toEqual([
      ['1', [empty('1', 0, 3), empty('1', 1, 1)]],
      ['unknown', []],
    ]);
    expect(client.sent).toHaveLength(3);
    expect(client.sent.every(({ input }) => input.ConsistentRead)).toBe(true);
  });

  test('takes a first version only where nothing is, and a later one only over the one before', async () => {
    const client = fakeClient(() => ({}));
    expect(await dynamoInvoices(client, 'invoices').write([empty('1', 0, 1), empty('2', 0, 8)])).toEqual([]);
    const [first, later] = client.sent.map(({ input }) => input);
    expect(first!.ConditionExpression).toBe('attribute_not_exists(invoice_no)');
    expect(later!.ConditionExpression).toBe('version = :v');
    expect(later!.ExpressionAttributeValues).toEqual({ ':v': { N: '7' } });
    expect(later!.Item.version).toEqual({ N: '8' });
  });

  test('names the invoices in conflict, and leaves the parts behind a conflict unwritten', async () => {
    const client = fakeClient(({ input }: Sent) => {
      if (input.Item.invoice_no!.S === '2' && input.Item.part!.N === '0')
        throw sdkError('ConditionalCheckFailedException');
    });
    const parts = [empty('1', 0, 1), empty('2', 0, 4), empty('2', 1, 1), empty('3', 0, 1)];
    expect(await dynamoInvoices(client, 'invoices').write(parts)).toEqual(['2']);
    const written = client.sent.map(({ input }) => `${input.Item.invoice_no!.S}/${input.Item.part!.N}`);
    expect(written.sort()).toEqual(['1/0', '2/0', '3/0']);
  });

  test('works on no more than 32 invoices at a time', async () => {
    let open = 0;
    let most = 0;
    const client = fakeClient(async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return { Items: [] };
    });
    await dynamoInvoices(client, 'invoices').read(Array.from({ length: 100 }, (_, i) => `${i}`));
    expect(client.sent).toHaveLength(100);
    expect(most).toBe(32);
  });

  test('that throttles is unavailable; an item that it never takes is a defect', async () => {
    const throttled = fakeClient(() => Promise.reject(sdkError('ThrottlingException')));
    await expect(dynamoInvoices(throttled, 'invoices').write([empty('1', 0, 1)])).rejects.toThrow(Unavailable);
    const refused = fakeClient(() => Promise.reject(sdkError('ValidationException')));
    await expect(dynamoInvoices(refused, 'invoices').write([empty('1', 0, 1)])).rejects.not.toThrow(Unavailable);
  });
});
