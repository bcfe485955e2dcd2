import fc from 'fast-check';
import { datasets } from '../../shared/domain/dataset';
import { accountedFor } from '../../shared/domain/outcome';
import { unpack } from '../../shared/domain/packing';
import { cleanChunk } from '../../shared/pipeline/clean';
import { type Fault, faulty } from '../support/faults';
import { drain, findings, post, type TestWorld, testWorld } from '../support/world';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

/** Few invoices, products and quantities, so that rows meet often; some of them bad. */
const rowArbitrary = fc
  .tuple(
    fc.constantFrom('1', '2', '3', 'C4', 'a5'),
    fc.constantFrom('X', 'Y'),
    fc.constantFrom('thing', '"a ""quoted"", thing"', '"two\nlines"', ''),
    fc.constantFrom('1', '2', '0', '-1', 'NaN', ''),
    fc.constantFrom('12/1/2010 8:26', '2010-12-01 08:26:00', '2/31/2011 8:26'),
    fc.constantFrom('2.55', '0', '1e999'),
    fc.constantFrom('17850', '17850.0', ''),
  )
  .map((fields) => [...fields, 'United Kingdom'].join(','));

const bodyArbitrary = fc.array(rowArbitrary, { minLength: 1, maxLength: 40 });
const text = (rows: readonly string[]) => [HEADER, ...rows].join('\n');

async function inWorld<T>(work: (world: TestWorld) => Promise<T>): Promise<T> {
  const world = testWorld();
  try {
    return await work(world);
  } finally {
    world.remove();
  }
}

/** The rows' distinct identities and refusals, by the contract alone. */
function byContract(rows: readonly string[]) {
  const clean = datasets.get('transactions')!.cleaner(
    'csv',
    datasets.get('transactions')!.contract.columns.map(({ name }) => name),
  );
  const verdicts = rows.map((row) => clean(row));
  const kept = new Set(verdicts.flatMap((verdict) => (verdict.kind === 'kept' ? [verdict.line_id] : [])));
  return { kept, rejected: verdicts.filter(({ kind }) => kind === 'rejected').length };
}

describe('conservation', () => {
  it('holds for any file: received = kept + duplicate + rejected, and the stores have each kept row once', async () => {
    await fc.assert(
      fc.asyncProperty(bodyArbitrary, (rows) =>
        inWorld(async (world) => {
          const batch = await post(world, 'transactions', text(rows));
          await drain(world);
          const found = await findings(world, [batch]);
          const { kept, rejected } = byContract(rows);
          expect(found.batches).toMatchObject([{ received: rows.length, balanced: true }]);
          expect(found.kept).toBe(kept.size);
          expect(found.refused).toHaveLength(rejected);
          expect(found.landed).toEqual([...kept].sort());
          expect(found.lines.map((line) => line.split(' ')[1]).sort()).toEqual([...kept].sort());
        }),
      ),
      { numRuns: 40 },
    );
  });

  it('holds when ports fail at random and the stream delivers again', async () => {
    const faults = fc.array(fc.constantFrom<Fault | undefined>('before', 'after', 'halfway', undefined), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(bodyArbitrary, { minLength: 1, maxLength: 3 }), faults, async (bodies, planted) => {
        const run = (ports: (world: TestWorld) => Parameters<typeof drain>[1]) =>
          inWorld(async (world) => {
            const batches = [];
            for (const rows of bodies) batches.push(await post(world, 'transactions', text(rows)));
            await drain(world, ports(world));
            return findings(world, [...new Set(batches)]);
          });
        expect(await run((world) => faulty(world, (call) => planted[call]))).toEqual(await run((world) => world));
      }),
      { numRuns: 25 },
    );
  });

  it('holds in any chunking: the same rows are kept and refused however a file is cut', async () => {
    await fc.assert(
      fc.asyncProperty(bodyArbitrary, fc.integer({ min: 1, max: 10 }), async (rows, size) => {
        const whole = await inWorld(async (world) => {
          const batch = await post(world, 'transactions', text(rows));
          await drain(world);
          return findings(world, [batch]);
        });
        const inPieces = await inWorld(async (world) => {
          const batches = new Set<string>();
          for (let at = 0; at < rows.length; at += size)
            batches.add(await post(world, 'transactions', text(rows.slice(at, at + size))));
          await drain(world);
          return findings(world, [...batches]);
        });
        expect(inPieces.landed).toEqual(whole.landed);
        expect(inPieces.lines).toEqual(whole.lines);
        expect(inPieces.kept).toBe(whole.kept);
        expect(inPieces.customers.length).toBe(whole.customers.length);
      }),
      { numRuns: 25 },
    );
  });

  it('counts a file that is sent again in another shape as duplicates, every row of it', async () => {
    await inWorld(async (world) => {
      const rows = ['1', '2', '3'].map((invoice) => `${invoice},X,thing,1,12/1/2010 8:26,2.55,17850,France`);
      const first = await post(world, 'transactions', text(rows));
      const second = await post(world, 'transactions', text([...rows].reverse()));
      await drain(world);
      expect((await findings(world, [first, second])).batches).toMatchObject([
        { through: 3, balanced: true },
        { through: 3, balanced: true },
      ]);
      expect((await findings(world, [second])).kept).toBe(0);
    });
  });

  it('answers the same batch from its head and puts nothing into the stream', async () => {
    await inWorld(async (world) => {
      const rows = text(['1,X,thing,1,12/1/2010 8:26,2.55,17850,France']);
      const first = await post(world, 'transactions', rows);
      const backlog = world.log.backlog('clean');
      expect(await post(world, 'transactions', rows)).toBe(first);
      expect(world.log.backlog('clean')).toBe(backlog);
    });
  });

  it('puts a batch into the stream again that broke off before it was accepted, and counts it once', async () => {
    await inWorld(async (world) => {
      const rows = text(['1,X,thing,1,12/1/2010 8:26,2.55,17850,France']);
      const broken = {
        ...world,
        batches: {
          ...world.batches,
          open: world.batches.open.bind(world.batches),
          find: world.batches.find.bind(world.batches),
          accept: () => Promise.reject(new Error('the process dies here')),
        },
      };
      await expect(post(broken, 'transactions', rows)).rejects.toThrow('dies');
      const batch = await post(world, 'transactions', rows);
      expect(world.log.backlog('clean')).toBe(2);
      await drain(world);
      expect(await findings(world, [batch])).toMatchObject({
        batches: [{ received: 1, through: 1, balanced: true }],
        kept: 1,
      });
    });
  });
});

describe('chunks that meet', () => {
  it('claim every line once when they are cleaned at the same time, in any interleaving', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(bodyArbitrary, { minLength: 2, maxLength: 4 }), (scheduler, bodies) =>
        inWorld(async (world) => {
          const batches = [];
          for (const rows of bodies) batches.push(await post(world, 'transactions', text(rows)));
          const chunks = world.log.read('clean', 100).map(({ data }) => unpack(data));
          const invoices = {
            read: scheduler.scheduleFunction((nos: readonly string[]) => world.invoices.read(nos)),
            write: scheduler.scheduleFunction((parts: Parameters<typeof world.invoices.write>[0]) =>
              world.invoices.write(parts),
            ),
          };
          const cleaning = Promise.all(chunks.map((chunk) => cleanChunk(chunk, { ...world, invoices })));
          await scheduler.waitFor(cleaning);
          const found = await findings(world, [...new Set(batches)]);
          const { kept } = byContract(bodies.flat());
          expect(found.kept).toBe(kept.size);
          expect(found.lines.map((line) => line.split(' ')[1]).sort()).toEqual([...kept].sort());
          expect(found.batches.every((batch) => (batch as { balanced: boolean }).balanced)).toBe(true);
        }),
      ),
      { numRuns: 40 },
    );
  });

  it('count the same in every order of delivery, and when each is delivered twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bodyArbitrary, { minLength: 2, maxLength: 4 }), fc.nat(), (bodies, seed) =>
        inWorld(async (world) => {
          const batches = [];
          for (const rows of bodies) batches.push(await post(world, 'transactions', text(rows)));
          const chunks = world.log.read('clean', 100).map(({ data }) => unpack(data));
          const twice = [...chunks, ...chunks].sort(
            (a, b) => ((seed * (a.chunk_id.charCodeAt(3) + 7)) % 11) - ((seed * (b.chunk_id.charCodeAt(3) + 7)) % 11),
          );
          const entries = [];
          for (const chunk of twice) entries.push(await cleanChunk(chunk, world));
          const found = await findings(world, [...new Set(batches)]);
          expect(found.kept).toBe(byContract(bodies.flat()).kept.size);
          for (const entry of entries) {
            expect(entry).toEqual(entries.find(({ chunk_id }) => chunk_id === entry.chunk_id));
            expect(accountedFor(entry)).toBe(chunks.find(({ chunk_id }) => chunk_id === entry.chunk_id)!.rows);
          }
        }),
      ),
      { numRuns: 25 },
    );
  });
});

describe('a defect of ours', () => {
  const rows = text(['1,X,thing,1,12/1/2010 8:26,2.55,17850,France']);

  it('sends its chunk to failed/ with the record and the error, and lets the others through', async () => {
    await inWorld(async (world) => {
      const bad = await post(world, 'transactions', rows);
      const good = await post(world, 'transactions', rows.replace('France', 'Spain'));
      const landing = {
        append: async (...[chunk, kept]: Parameters<typeof world.landing.append>) => {
          if (chunk.batch_id === bad) throw new TypeError('undefined is not a row');
          await world.landing.append(chunk, kept);
        },
      };
      await drain(world, { ...world, landing });
      const { chunk_id, data } = world.log
        .read('other', 1)
        .map((record) => ({ ...record, chunk_id: unpack(record.data).chunk_id }))[0]!;
      expect(await world.lake.get(`failed/${chunk_id}.chunk`)).toEqual(Buffer.from(data));
      expect(String(await world.lake.get(`failed/${chunk_id}.error.json`))).toContain('undefined is not a row');
      expect((await findings(world, [bad, good])).batches).toMatchObject([
        { balanced: false, status: 'accepted' },
        { balanced: true },
      ]);
    });
  });

  it('keeps a record that is no chunk of ours', async () => {
    await inWorld(async (world) => {
      await world.stream.append([{ chunk_id: 'x', data: Buffer.from('not a chunk') }]);
      await drain(world);
      expect(String(await world.lake.get('failed/unreadable-1.chunk'))).toBe('not a chunk');
    });
  });
});
