import { gbSeconds } from '../../cli/bench/bill';
import { recordsPerBatch } from '../../cli/bench/cost-run';
import { FakeTable } from '../../cli/bench/fake-table';
import {
  apiUnits,
  firehoseBytes,
  itemBytes,
  onDemandBytes,
  payloadUnits,
  readUnits,
  writeUnits,
} from '../../cli/bench/units';

describe('the size of an item', () => {
  it('counts names and texts in UTF-8', () => {
    expect(itemBytes({ id: { S: 'abc' } })).toBe(2 + 3);
    expect(itemBytes({ größe: { S: '£' } })).toBe(7 + 2);
  });

  it.each([
    ['0', 1],
    ['1', 2],
    ['12', 2],
    ['123', 3],
    ['120', 3], // 01 20
    ['1000', 2], // 10 00
    ['10000', 2], // 01 00 00
    ['0.05', 2],
    ['0.025', 3], // 02 50
    ['2.5', 3], // 02.50
    ['-2.5', 4],
    ['12.55', 3],
    ['-12.55', 4],
    ['100.001', 5], // 01 00.00 10
  ])('counts the number %s as %d bytes', (N, bytes) => {
    expect(itemBytes({ n: { N } })).toBe(1 + bytes);
  });

  it('counts binary as bytes, on the wire and in the SDK', () => {
    const bytes = Buffer.alloc(16, 7);
    expect(itemBytes({ i: { B: bytes } })).toBe(17);
    expect(itemBytes({ i: { B: bytes.toString('base64') } })).toBe(17);
  });

  it('counts 3 bytes for a list or map, 1 for each element, and 1 for null', () => {
    expect(itemBytes({ l: { L: [] } })).toBe(1 + 3);
    expect(itemBytes({ l: { L: [{ S: 'ab' }, { NULL: true }] } })).toBe(1 + 3 + (2 + 1) + (1 + 1));
    expect(itemBytes({ m: { M: { k: { S: 'ab' }, n: { N: '7' } } } })).toBe(1 + 3 + (1 + 2 + 1) + (1 + 2 + 1));
  });

  it('counts an invoice by hand', () => {
    const line = { M: { i: { B: Buffer.alloc(16) }, '1': { S: '85123A' } } };
    const item = { invoice_no: { S: '536365' }, part: { N: '0' }, version: { N: '1' }, l: { L: [line] } };
    const aLine = 3 + (1 + 16 + 1) + (1 + 6 + 1);
    expect(itemBytes(item)).toBe(10 + 6 + (4 + 1) + (7 + 2) + (1 + 3 + aLine + 1));
  });
});

describe('what is billed', () => {
  it('rounds up, and charges one at least', () => {
    expect([writeUnits(0, 1), writeUnits(0, 1024), writeUnits(0, 1025)]).toEqual([1, 1, 2]);
    expect([readUnits(0), readUnits(4096), readUnits(4097)]).toEqual([1, 1, 2]);
    expect([payloadUnits(1), payloadUnits(25_600), payloadUnits(25_601)]).toEqual([1, 1, 2]);
    expect([onDemandBytes(1), onDemandBytes(1025)]).toEqual([1024, 2048]);
    expect([firehoseBytes(1), firehoseBytes(5120), firehoseBytes(5121)]).toEqual([5120, 5120, 10_240]);
    expect([apiUnits(0), apiUnits(512 * 1024 + 1)]).toEqual([1, 2]);
  });

  it('is the larger item of a write', () => {
    expect(writeUnits(3000, 100)).toBe(3);
  });

  it('is CPU at the share that the memory buys, and waiting', () => {
    expect(gbSeconds({ invocations: 1, cpuSeconds: 1, waitSeconds: 0.5 }, 2048)).toBeCloseTo(3);
    expect(gbSeconds({ invocations: 1, cpuSeconds: 1, waitSeconds: 0 }, 1024)).toBeCloseTo(1769 / 1024);
  });
});

it('gathers as many records for an invocation as come while the window is open', () => {
  const source = { batchSize: 10, batchWindowSeconds: 2, lanes: 2 };
  expect([0.2, 4, 100].map((rate) => recordsPerBatch(rate, source))).toEqual([1, 4, 10]);
});

it('counts the units of a table, and refuses what a condition does not allow', () => {
  const table = new FakeTable('id', 'part');
  const item = (text: string) => ({ id: { S: 'a' }, part: { N: '0' }, version: { N: '1' }, text: { S: text } });
  const absent = { ConditionExpression: 'attribute_not_exists(id)' };
  expect(table.put({ Item: item('x'.repeat(2000)), ...absent })).toBe(true); // 2 units
  expect(table.put({ Item: item('y'), ...absent })).toBe(false); // 2 units: what is there is looked at
  const next = { ConditionExpression: 'version = :v', ExpressionAttributeValues: { ':v': { N: '1' } } };
  expect(table.put({ Item: { ...item('y'), version: { N: '2' } }, ...next })).toBe(true); // 2 units: the larger
  expect(table.put({ Item: item('z'), ...next })).toBe(false); // 1 unit
  const query = { KeyConditionExpression: 'id = :id', ExpressionAttributeValues: { ':id': { S: 'a' } } };
  expect(table.query(query)).toEqual([{ ...item('y'), version: { N: '2' } }]);
  expect(table.use).toEqual({ reads: 1, readUnits: 1, writes: 4, writeUnits: 7, refused: 2 });
});
