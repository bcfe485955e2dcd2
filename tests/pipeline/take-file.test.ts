import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { simulate } from '../../cli/simulator';
import { fileBalance } from '../../shared/domain/ledger';
import { fakeSpark, put, take } from '../support/inbox';
import { drain, findings, post, type TestWorld, testWorld } from '../support/world';

const CSV = [...simulate({ dataset: 'transactions', rows: 400, seed: 5, dirty: 0.1 })].join('');
const HEADER = CSV.slice(0, CSV.indexOf('\n') + 1);
const ROW = '536365,85123A,LANTERN,6,12/1/2010 8:26,2.55,17850,United Kingdom\n';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const stateOf = async (key: string) => (await world.arrivals.of(key))[0];
const report = async (hash: string) => fileBalance(await world.files.batches(hash));

describe('a file in the inbox', () => {
  it.each([
    ['plain.csv', (text: string) => Buffer.from(text)],
    ['packed.csv.gz', (text: string) => gzipSync(text)],
    ['packed.csv.zst', (text: string) => zstdCompressSync(text)],
    ['no name that tells', (text: string) => Buffer.from(text)],
  ])('goes through the stream and is accounted for, as %s', async (name, packed) => {
    const file = put(world, `transactions/${name}`, packed(CSV));
    expect(await take(world, file)).toMatchObject({
      kind: 'done',
      arrival: { engine: 'stream', dataset: 'transactions' },
    });
    await drain(world);
    const { file: hash, state } = (await stateOf(file.key))!;
    expect(state).toBe('done');
    expect(await report(hash!)).toMatchObject({ received: 400, balanced: true });
  });

  it('tells where each of its batches came from', async () => {
    const file = put(world, 'transactions/a.csv', CSV);
    await take(world, file);
    const { file: hash } = (await stateOf(file.key))!;
    const [batch] = await world.files.batches(hash!);
    expect(batch!.head).toMatchObject({ origin: file, sent_by: 'test', file: { part: 1, parts: 1 } });
  });

  it('brings no new rows when it is put again, and a new batch when it has changed', async () => {
    await take(world, put(world, 'transactions/a.csv', CSV));
    const before = world.log.backlog('x');
    expect(await take(world, put(world, 'transactions/a.csv', CSV))).toMatchObject({ kind: 'done' });
    expect(world.log.backlog('x')).toBe(before);
    await take(world, put(world, 'transactions/a.csv', CSV + ROW));
    expect(world.log.backlog('x')).toBe(before + 1);
    expect(await world.arrivals.of('inbox/transactions/a.csv')).toHaveLength(3);
  });

  it('is taken once by those who hear of it at the same time, and again by whoever hears of it later', async () => {
    const file = put(world, 'transactions/a.csv', CSV);
    const taken = await Promise.all([take(world, file), take(world, file), take(world, file)]);
    expect(taken.map(({ kind }) => kind).sort()).toEqual(['aside', 'aside', 'done']);
    expect(await take(world, file)).toMatchObject({ kind: 'known' });
  });

  it('goes on in another invocation when its time ends, without sending a part twice', async () => {
    const rows = ROW.repeat(70_000); // 4.6 MB: two parts
    const file = put(world, 'transactions/a.csv', HEADER + rows);
    expect(await take(world, file, { timeLeft: () => 1000 })).toMatchObject({ kind: 'continued' });
    const [again] = world.later.due();
    expect(again).toEqual({ ...file, sent_by: 'test' });
    const sent = world.log.backlog('x');
    expect(sent).toBeGreaterThan(0);
    expect(await take(world, file, { timeLeft: () => 1000 })).toMatchObject({ kind: 'done' });
    await drain(world);
    expect(await report((await stateOf(file.key))!.file!)).toMatchObject({
      received: 70_000,
      kept: 1,
      duplicate: 69_999,
      balanced: true,
    });
  });

  it('goes on where it was when its reader is killed, once the lease is over', async () => {
    const file = put(world, 'transactions/a.csv', CSV);
    const broken = { ...world, stream: { append: () => Promise.reject(new Error('killed')) } } as TestWorld;
    await expect(take(broken, file)).rejects.toThrow('killed');
    expect(await take(world, file)).toEqual({ kind: 'aside' });
    world.clock.pass(17 * 60);
    expect(await take(world, file)).toMatchObject({ kind: 'done' });
    await drain(world);
    expect(await report((await stateOf(file.key))!.file!)).toMatchObject({ received: 400, balanced: true });
  });

  it('is not refused for a row of a later part, which is one bad row like any other', async () => {
    const sale = (more: object) => `${JSON.stringify({ invoice_no: '1', ...more })}\n`;
    const filled = sale({ description: 'x'.repeat(125 - sale({ description: '' }).length) });
    const rows = filled.repeat(30_000); // of 125 bytes each: one part, to the last byte
    const file = put(world, 'transactions/a.ndjson', rows + sale({ nothing: 1 }) + sale({ quantity: 1 }));
    expect(await take(world, file)).toMatchObject({ kind: 'done' });
    await drain(world);
    const found = await report((await stateOf(file.key))!.file!);
    expect(found).toMatchObject({ received: 30_002, balanced: true, parts: { total: 2 } });
  });

  it('gives nobody else its name for its rows when it is written over while it is sent', async () => {
    const rows = (digit: number) =>
      Array.from({ length: 120_000 }, (_, i) => ROW.replace('36365', `${digit}${1e5 + i}`));
    const file = put(world, 'transactions/a.csv', HEADER + rows(1).join('')); // three parts
    const append: TestWorld['stream']['append'] = async (records) => {
      await world.stream.append(records);
      writeFileSync(join(world.directory, file.key), HEADER + rows(2).join(''));
    };
    await expect(take({ ...world, stream: { append } } as TestWorld, file)).rejects.toThrow('cannot be read');
    const again = put(world, 'transactions/b.csv', HEADER + rows(1).join(''));
    expect(await take(world, again)).toMatchObject({ kind: 'done' });
  });

  it('is taken where blank lines fill a part', async () => {
    const row = `${JSON.stringify({ invoice_no: '1' })}\n`;
    const file = put(world, 'transactions/a.ndjson', row + ' \n'.repeat(2_000_000) + row);
    expect(await take(world, file)).toMatchObject({ kind: 'done' });
    await drain(world);
    expect(await report((await stateOf(file.key))!.file!)).toMatchObject({ received: 2, balanced: true });
  });

  it('is given up, and waited for no longer, when it goes before it is taken in', async () => {
    const file = put(world, 'transactions/a.csv', CSV);
    const broken = { ...world, stream: { append: () => Promise.reject(new Error('killed')) } } as TestWorld;
    await expect(take(broken, file)).rejects.toThrow('killed');
    put(world, 'transactions/a.csv', CSV + ROW);
    expect(await take(world, file)).toEqual({ kind: 'gone' });
    expect(await stateOf(file.key)).toMatchObject({ state: 'failed', refusal: { code: 'not_found' } });
    expect(await world.backlog.unfinished()).toEqual([]);
  });

  it('is never read as a mixture of two: one that changes meanwhile is taken as another', async () => {
    const file = put(world, 'transactions/a.csv', HEADER + ROW.repeat(70_000));
    let sent = 0;
    const stream = {
      append: async (...records: Parameters<TestWorld['stream']['append']>) => {
        if (sent++ === 0) put(world, 'transactions/a.csv', HEADER + ROW.replace('536365', '2').repeat(90_000));
        return world.stream.append(...records);
      },
    };
    await expect(take({ ...world, stream } as TestWorld, file)).rejects.toThrow('cannot be read');
    expect(await take(world, file)).toEqual({ kind: 'gone' });
    expect(await take(world, { key: file.key })).toMatchObject({ kind: 'done' });
  });

  it('may have any name', async () => {
    for (const name of ['a b+c.csv', 'übung.csv', 'a/b/../c.csv', '%2e%2e.csv', "o'hara;x.csv"]) {
      const file = put(world, `transactions/${name}`, HEADER + ROW.replace('536365', name.replaceAll(/\W/g, '')));
      expect(await take(world, file)).toMatchObject({ kind: 'done' });
    }
  });
});

describe('the small path', () => {
  it('leaves in every store what the same bytes leave by HTTP', async () => {
    const csv = [...simulate({ dataset: 'transactions', rows: 3000, seed: 11, dirty: 0.2 })].join('');
    const sent = await found(async (there) => [await post(there, 'transactions', csv)]);
    const brought = await found(async (there) => {
      const { key } = put(there, 'transactions/a.csv.gz', gzipSync(csv));
      await take(there, { key });
      const { file } = (await there.arrivals.of(key))[0]!;
      return (await there.files.batches(file!)).map(({ head }) => head.batch_id);
    });
    expect(brought).toEqual(sent);
    expect(brought.refused.length).toBeGreaterThan(100);
  });
});

/** What the stores of a world have when its rows are through, batches by their counts alone. */
async function found(bring: (there: TestWorld) => Promise<string[]>) {
  const there = testWorld();
  try {
    const ids = await bring(there);
    await drain(there);
    const { refused, ...rest } = await findings(there, ids);
    return { ...rest, refused: refused.map((line) => line.slice(line.indexOf(' '))).sort() };
  } finally {
    there.remove();
  }
}

describe('a file that is no file of rows', () => {
  it.each([
    ['zero bytes', 'empty_body', Buffer.alloc(0)],
    ['a header only', 'empty_body', Buffer.from(HEADER)],
    ['a header of something else', 'unknown_column', Buffer.from('a,b\n1,2\n')],
    ['a picture', 'not_in_charset', Buffer.from('89504e470d0a1a0a0000000d49484452ffd8', 'hex')],
    ['mixed encodings', 'not_in_charset', Buffer.concat([Buffer.from(HEADER + ROW), Buffer.from('é,', 'latin1')])],
    ['a damaged gzip', 'broken_compression', damaged(gzipSync(CSV))],
    ['a quote that never ends', 'unterminated_quote', Buffer.from(`${HEADER}${ROW}"536366`)],
    ['a row without an end', 'too_large', Buffer.from(`${HEADER}${'x'.repeat(9_000_000)}`)],
    ['a row over the limit', 'too_large', Buffer.from(`${HEADER}${'x'.repeat(2_200_000)}\n`)],
    ['a bomb', 'too_large', gzipSync(HEADER + ROW.repeat(1_200_000))],
    ['a bomb of zstd', 'too_large', zstdCompressSync(HEADER + ROW.repeat(1_200_000))],
  ])('is kept whole with the reason when it is %s, and nothing of it gets in', async (_, code, bytes) => {
    const file = put(world, 'transactions/bad.csv', bytes);
    expect(await take(world, file)).toMatchObject({
      kind: 'refused',
      arrival: { state: 'refused', refusal: { code } },
    });
    const { kept_as } = (await stateOf(file.key))!;
    expect(readFileSync(join(world.directory, kept_as!)).equals(bytes)).toBe(true);
    const reason = JSON.parse(readFileSync(join(world.directory, kept_as!.replace(/-[^-]*$/, '.reason.json')), 'utf8'));
    expect(reason).toMatchObject({ code, key: file.key });
    expect(existsSync(join(world.directory, file.key))).toBe(false);
    expect(world.log.backlog('x')).toBe(0);
    expect(await take(world, put(world, 'transactions/good.csv', CSV))).toMatchObject({ kind: 'done' });
  });

  it.each([
    ['transactions.csv', 'not_found'],
    ['nothing/a.csv', 'not_found'],
    ['__proto__/a.csv', 'not_found'],
  ])('is kept with the reason when its folder is no data set: %s', async (name, code) => {
    expect(await take(world, put(world, name, CSV))).toMatchObject({ kind: 'refused', arrival: { refusal: { code } } });
  });

  it('is a large JSON array, which says how to write it; a smaller one is taken', async () => {
    const array = JSON.stringify(Array.from({ length: 60 }, (_, i) => ({ a: i })));
    const bulk = fakeSpark(50);
    expect(await take(world, put(world, 'transactions/a.json', array), { bulk })).toMatchObject({
      kind: 'refused',
      arrival: { refusal: { code: 'too_large', detail: expect.stringContaining('NDJSON') } },
    });
    expect(bulk.jobs).toEqual([]);
  });
});

describe('a compressed file that ends too soon', () => {
  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('has its whole rows taken, and the break told: %s', async (_, pack) => {
    const packed = pack(Buffer.from([...simulate({ dataset: 'transactions', rows: 5000, seed: 6 })].join('')));
    const file = put(world, 'transactions/cut.csv.gz', packed.subarray(0, Math.floor(packed.length * 0.7)));
    const taken = await take(world, file);
    expect(taken).toMatchObject({ kind: 'done', arrival: { broken: { code: 'broken_compression' } } });
    await drain(world);
    const found = await report((await stateOf(file.key))!.file!);
    expect(found.balanced).toBe(true);
    expect(found.received).toBeGreaterThan(1000);
    expect(found.received).toBeLessThan(5000);
  });
});

describe('a large file', () => {
  it('is given to Spark with what its header says', async () => {
    const bulk = fakeSpark(1000);
    const file = put(world, 'transactions/large.csv', `\ufeff\n${CSV}`);
    expect(await take(world, file, { bulk })).toMatchObject({
      kind: 'running',
      arrival: { state: 'running', run_id: 'run-1' },
    });
    expect(bulk.jobs).toMatchObject([
      {
        dataset: 'transactions',
        ...file,
        format: 'csv',
        charset: 'utf-8',
        compression: 'none',
        columns: [
          'invoice_no',
          'stock_code',
          'description',
          'quantity',
          'invoice_date',
          'unit_price',
          'customer_id',
          'country',
        ],
        header_lines: 2,
        sent_by: 'test',
      },
    ]);
    expect(await take(world, file, { bulk })).toEqual({ kind: 'aside' });
  });

  it('is given to Spark when it shows to be large only once it is decompressed', async () => {
    const bulk = fakeSpark(20_000);
    const taken = await take(world, put(world, 'transactions/large.csv.gz', gzipSync(CSV)), { bulk });
    expect(taken).toMatchObject({ kind: 'running' });
    expect(bulk.jobs).toMatchObject([{ compression: 'gzip', header_lines: 1 }]);
  });

  it('is refused before Spark is started when its header is of something else', async () => {
    const bulk = fakeSpark(10);
    const taken = await take(world, put(world, 'events/large.csv', CSV), { bulk });
    expect(taken).toMatchObject({ kind: 'refused', arrival: { refusal: { code: 'unknown_column' } } });
    expect(bulk.jobs).toEqual([]);
  });

  it('waits for a Spark that is busy, and comes again', async () => {
    const file = put(world, 'transactions/large.csv', CSV);
    expect(await take(world, file, { bulk: fakeSpark(10, 'busy') })).toMatchObject({ kind: 'waiting' });
    world.clock.pass(300);
    expect(world.later.due()).toEqual([{ ...file, sent_by: 'test' }]);
    expect(await take(world, file, { bulk: fakeSpark(10) })).toMatchObject({ kind: 'running' });
  });

  it('takes the way of small ones where there is no Spark', async () => {
    for (const [name, bytes] of [
      ['a.csv', Buffer.from(CSV)],
      ['b.csv.gz', gzipSync(CSV + ROW)],
    ] as const) {
      const taken = await take(world, put(world, `transactions/${name}`, bytes), { bulk: fakeSpark(10, 'absent') });
      expect(taken).toMatchObject({ kind: 'done', arrival: { engine: 'stream' } });
    }
  });
});

function damaged(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  other[other.length - 5]! ^= 0xff; // of its checksum
  return other;
}
