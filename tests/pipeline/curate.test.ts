import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { landedIn } from '../../shared/adapters/local/landed';
import { datasets } from '../../shared/domain/dataset';
import type { KeptRow } from '../../shared/domain/outcome';
import { toParquet } from '../../shared/domain/parquet';
import { type CurateAnswer, curate } from '../../shared/pipeline/curate';
import { StillRunning, TooMuch, Unavailable } from '../../shared/pipeline/ports';
import { duckdbCuration, type TestCuration } from '../support/curation';

let lake: string;
let curation: TestCuration;
let now: Date;
beforeEach(async () => {
  lake = mkdtempSync(join(tmpdir(), 'ecomflow-curate-'));
  curation = await duckdbCuration(lake);
  now = new Date('2026-03-10T03:00:00Z');
});
afterEach(() => {
  curation.close();
  rmSync(lake, { recursive: true, force: true });
});

const ports = () => ({ landed: landedIn(lake), curation, clock: { now: () => now } });
const pass = (days: number) => {
  now = new Date(now.getTime() + days * 86_400_000);
};

/** A line of an invoice by its number, sold on a day. */
const sold = (n: number, day: string, time = '08:26:00'): KeptRow => ({
  line_id: n.toString(16).padStart(32, '0'),
  row: {
    invoice_no: String(n),
    stock_code: 'A',
    description: null,
    quantity: n,
    invoice_date: `${day}T${time}Z`,
    unit_price: '0.1',
    customer_id: '17850',
    country: 'France',
  },
});

/** Puts rows into landing. */
function land(arrived: string, name: string, rows: readonly KeptRow[], batch = name): void {
  const file = join(lake, `landing/transactions/dt=${arrived}/${name}.parquet`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, toParquet(datasets.get('transactions')!, batch, rows));
}

const table = () =>
  curation.ask(
    'select quantity, cast(event_date as varchar), batch_id from curated_transactions order by quantity, batch_id',
  );
const ran = (word: string) => curation.ran.filter((one) => one.word === word);
const merges = () => ran('merge').length;
const ofSales = ({ datasets: { transactions } }: CurateAnswer) => transactions;

describe('curate', () => {
  it('merges what landed, each line once, in the day of its event', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-02-28', '23:59:59'), sold(2, '2026-03-01', '00:00:00')]);
    const answer = await curate({}, ports());
    expect(answer.done).toBe(true);
    expect(ofSales(answer)).toEqual({
      arrivals: 1,
      days: 2,
      landed_rows: 2,
      curated_rows: 2,
      removed_duplicates: 0,
    });
    expect(await table()).toEqual([
      [1, '2026-02-28', 'a'],
      [2, '2026-03-01', 'a'],
    ]);
  });

  it('has a table for each data set, also where nothing has landed', async () => {
    const { datasets: counts } = await curate({}, ports());
    const none = { arrivals: 0, days: 0, landed_rows: 0, curated_rows: 0, removed_duplicates: 0 };
    expect(counts).toEqual({ transactions: none, events: none });
    expect(await curation.ask('select count(*) from curated_events')).toEqual([['0']]);
  });

  it('keeps every column as it was, to the last digit', async () => {
    land('2026-03-01', 'a', [sold(7, '2026-03-01')]);
    await curate({}, ports());
    const all = 'line_id, unit_price, description, cast(invoice_date as varchar), customer_id';
    expect(await curation.ask(`select ${all} from curated_transactions`)).toEqual([
      ['00000000000000000000000000000007', '0.1000', null, '2026-03-01 08:26:00', '17850'],
    ]);
  });

  it('does nothing the second time', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01')]);
    await curate({}, ports());
    const before = curation.ran.length;
    expect(ofSales(await curate({}, ports()))).toMatchObject({ arrivals: 0, days: 0, curated_rows: 1 });
    expect(curation.ran).toHaveLength(before);
  });

  it('reads only the arrival days that changed, and writes only the days that their rows are of', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01')]);
    land('2026-03-02', 'b', [sold(2, '2026-03-02')]);
    await curate({}, ports());
    land('2026-03-02', 'c', [sold(3, '2026-01-15')]);
    await curate({}, ports());
    const { statement } = ran('merge').at(-1)!;
    expect(statement).toContain("where dt in ('2026-03-02')");
    expect(statement).toContain("t.event_date in (date '2026-01-15', date '2026-03-02')");
    expect(await table()).toEqual([
      [1, '2026-03-01', 'a'],
      [2, '2026-03-02', 'b'],
      [3, '2026-01-15', 'c'],
    ]);
  });

  it('counts what it took out: twice in a file, in two files, and on two days of arrival', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01'), sold(1, '2026-03-01')]);
    land('2026-03-01', 'b', [sold(1, '2026-03-01'), sold(2, '2026-03-01')]);
    land('2026-03-02', 'c', [sold(2, '2026-03-01'), sold(3, '2026-03-02')]);
    expect(ofSales(await curate({}, ports()))).toEqual({
      arrivals: 2,
      days: 2,
      landed_rows: 6,
      curated_rows: 3,
      removed_duplicates: 3,
    });
    land('2026-03-03', 'd', [sold(3, '2026-03-02')]);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ landed_rows: 7, removed_duplicates: 4 });
    expect(JSON.parse(curation.notes.get('transactions')!).removed_duplicates).toBe(4);
    expect(await table()).toEqual([
      [1, '2026-03-01', 'a'],
      [2, '2026-03-01', 'b'],
      [3, '2026-03-02', 'c'],
    ]);
  });

  it('keeps count of what the lifecycle of landing has taken away', async () => {
    for (const day of ['2026-02-01', '2026-03-01']) land(day, 'a', [sold(1, '2026-01-31'), sold(2, day)]);
    await curate({}, ports());
    rmSync(join(lake, 'landing/transactions/dt=2026-02-01'), { recursive: true });
    land('2026-03-02', 'b', [sold(3, '2026-03-02')]);
    pass(8);
    // Both lines of number 2 have one line_id: they are the same row.
    expect(ofSales(await curate({}, ports()))).toMatchObject({
      landed_rows: 5,
      curated_rows: 3,
      removed_duplicates: 2,
    });
  });

  it('does not count an old day anew that loses its files one by one', async () => {
    for (const name of ['a', 'b']) land('2026-02-01', name, [sold(name === 'a' ? 1 : 2, '2026-02-01')]);
    land('2026-03-01', 'c', [sold(3, '2026-03-01')]);
    await curate({}, ports());
    rmSync(join(lake, 'landing/transactions/dt=2026-02-01/a.parquet'));
    pass(8);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ arrivals: 0, landed_rows: 3 });
  });

  it('looks at a late day that has other files than before, also when there are fewer', async () => {
    for (const name of ['a', 'b']) land('2026-03-01', name, [sold(1, '2026-03-01')]);
    await curate({}, ports());
    for (const name of ['a', 'b']) rmSync(join(lake, `landing/transactions/dt=2026-03-01/${name}.parquet`));
    land('2026-03-01', 'whole', [sold(1, '2026-03-01'), sold(2, '2026-03-01')]);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ arrivals: 1, curated_rows: 2 });
  });

  it('writes to at most 100 days a statement', async () => {
    const days = Array.from({ length: 250 }, (_, i) => new Date(Date.UTC(2025, 0, 1 + i)).toISOString().slice(0, 10));
    land(
      '2026-03-01',
      'a',
      days.map((day, i) => sold(i + 1, day)),
    );
    expect(ofSales(await curate({}, ports()))).toMatchObject({ days: 250, curated_rows: 250 });
    const written = ran('merge').map(
      ({ statement }) => statement.split('and t.event_date in')[1]!.match(/date '/g)!.length,
    );
    expect(written).toEqual([100, 100, 50]);
    expect(ran('merge').every(({ statement }) => Buffer.byteLength(statement) < 262_144)).toBe(true);
  });

  it('takes many days of arrival, and many bytes, in rounds', async () => {
    const days = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2026, 0, 1 + i)).toISOString().slice(0, 10));
    for (const [i, day] of days.entries()) land(day, 'a', [sold(i + 1, day)]);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ arrivals: 40, curated_rows: 40 });
    expect(new Set(ran('merge').map(({ round }) => round)).size).toBe(2);

    const landed = landedIn(lake);
    const large = {
      ...landed,
      async *list(dataset: string) {
        for await (const file of landed.list(dataset)) yield { ...file, etag: 'new', bytes: 600 * 1024 ** 2 };
      },
    };
    const before = merges();
    await curate({ since: '2026-02-07' }, { ...ports(), landed: { ...large, open: landed.open } });
    expect(merges() - before).toBe(40); // not two of them together
  });

  it('finds rows that were sent through again after weeks, once a week or when asked', async () => {
    land('2026-01-01', 'a', [sold(1, '2026-01-01')]);
    land('2026-03-01', 'b', [sold(2, '2026-03-01')]);
    await curate({}, ports());
    land('2026-01-01', 'c', [sold(3, '2025-12-31')]);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ arrivals: 0 });
    expect(ofSales(await curate({ since: '2026-01-01' }, ports()))).toMatchObject({ arrivals: 1, curated_rows: 3 });
    land('2026-01-01', 'd', [sold(4, '2025-12-31')]);
    pass(8);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ arrivals: 1, curated_rows: 4 });
  });

  it('joins files and drops old snapshots once a week, of the days that were written to', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-02-28'), sold(2, '2026-03-01')]);
    await curate({}, ports());
    pass(6);
    await curate({}, ports());
    expect(ran('optimize')).toEqual([]);
    pass(1);
    await curate({}, ports());
    const words = curation.ran.map(({ word, statement }) => [word, statement.split(' ')[1]]);
    expect(words.slice(-2)).toEqual([
      ['optimize', 'curated_transactions'],
      ['vacuum', 'curated_transactions'],
    ]);
    expect(ran('optimize')[0]!.statement).toContain("event_date in (date '2026-02-28', date '2026-03-01')");
    const before = curation.ran.length;
    await curate({}, ports());
    expect(curation.ran).toHaveLength(before);
  });

  it('adds a column that a contract has gained, and keeps those that it lost', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01')]);
    await curate({}, ports());
    await curation.ask('alter table curated_transactions drop column country');
    await curation.ask('alter table curated_transactions add column colour varchar');
    const note = JSON.parse(curation.notes.get('transactions')!);
    const columns = note.columns.filter((name: string) => name !== 'country');
    curation.notes.set('transactions', JSON.stringify({ ...note, columns }));
    land('2026-03-01', 'b', [sold(2, '2026-03-01')]);
    pass(0.01);
    await curate({}, ports());
    expect(ran('alter').map(({ statement }) => statement)).toEqual([
      'alter table curated_transactions add columns (`country` string)',
    ]);
    expect(await curation.ask('select quantity, country, colour from curated_transactions order by 1')).toEqual([
      [1, null, null],
      [2, 'France', null],
    ]);
  });

  it('refuses a day that is none', async () => {
    await expect(curate({ since: 'yesterday' }, ports())).rejects.toThrow('since is yesterday');
  });
});

describe('curate that is broken off', () => {
  const months = Array.from({ length: 250 }, (_, i) => new Date(Date.UTC(2025, 0, 1 + i)).toISOString().slice(0, 10));
  const landMuch = () => {
    land(
      '2026-03-01',
      'a',
      months.map((day, i) => sold(i + 1, day)),
    );
    land('2026-03-02', 'b', [sold(1, months[0]!), sold(900, '2026-03-02')]);
  };
  const WHOLE = { landed_rows: 252, curated_rows: 251, removed_duplicates: 1 };
  const quantities = async () => (await table()).map(([quantity]) => quantity);
  const EACH = [...Array.from({ length: 250 }, (_, i) => i + 1), 900];

  it('comes to the same whatever it is that breaks, a statement or a note, and goes on there', async () => {
    landMuch();
    let steps = 0;
    curation.before = () => void steps++;
    await curate({}, ports());
    const all = steps;
    curation.close();

    for (let broken = 1; broken <= all; broken++) {
      for (const isAfter of [false, true]) {
        curation = await duckdbCuration(lake);
        let step = 0;
        const fails = () => {
          if (++step === broken) throw new Unavailable('the world');
        };
        if (isAfter) {
          const { run, note } = curation;
          Object.assign(curation, {
            async run(...args: Parameters<typeof run>) {
              const answer = await run(...args);
              fails();
              return answer;
            },
            note: async (...args: Parameters<typeof note>) => note(...args).then(fails),
          });
        } else curation.before = fails;
        await expect(curate({}, ports())).rejects.toThrow(Unavailable);
        step = all; // and no more
        pass(0.01);
        const answer = await curate({}, ports());
        expect([broken, isAfter, ofSales(answer)]).toEqual([broken, isAfter, expect.objectContaining(WHOLE)]);
        expect(await quantities()).toEqual(EACH);
        if (!(broken === all && isAfter)) curation.close();
      }
    }
  });

  it('ends by itself when time is up, and does not merge again what is merged', async () => {
    landMuch();
    const answers: CurateAnswer[] = [];
    for (let calls = 0; calls < 30 && !answers.at(-1)?.done; calls++) {
      let left = 2; // statements
      answers.push(await curate({}, ports(), () => left--));
      pass(0.01);
    }
    expect(answers.at(-1)!.done).toBe(true);
    expect(answers.length).toBeGreaterThan(3);
    expect(ofSales(answers.at(-1)!)).toMatchObject(WHOLE);
    expect(merges()).toBe(3);
    expect(await quantities()).toEqual(EACH);
  });

  it('says that it is not done while a statement runs for longer, and finds that run again', async () => {
    landMuch();
    let waits = 2;
    const { run } = curation;
    Object.assign(curation, {
      async run(...args: Parameters<typeof run>) {
        const answer = await run(...args);
        if (args[0].startsWith('merge') && waits-- > 0) throw new StillRunning('on its way');
        return answer;
      },
    });
    expect((await curate({}, ports())).done).toBe(false);
    expect((await curate({}, ports())).done).toBe(false);
    expect((await curate({}, ports())).done).toBe(true);
    expect(merges()).toBe(3);
  });

  it('begins anew with files that came meanwhile, behind the merges that are left', async () => {
    landMuch();
    let left = 5;
    expect((await curate({}, ports(), () => left--)).done).toBe(false);
    land('2026-03-01', 'late', [sold(901, '2026-03-01')]);
    pass(0.01);
    const before = merges();
    expect(ofSales(await curate({}, ports()))).toMatchObject({ landed_rows: 253, curated_rows: 252 });
    expect(await quantities()).toEqual([...EACH, 901]);
    expect(merges() - before).toBe(4); // one that is left, and 252 days
  });

  it('goes on with days that it would not look at by itself', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01')]);
    await curate({}, ports());
    land('2026-01-01', 'late', [sold(2, '2026-01-01')]);
    let left = 1;
    expect((await curate({ since: '2026-01-01' }, ports(), () => left--)).done).toBe(false);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ arrivals: 1, curated_rows: 2 });
  });

  it('has merged a file once that comes between the list and the merge, and counts it the next time', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01')]);
    let landed = false;
    curation.before = (what) => {
      if (what === 'merge' && !landed) land('2026-03-01', 'b', [sold(2, '2026-03-01'), sold(3, '2026-03-01')]);
      landed ||= what === 'merge';
    };
    expect(ofSales(await curate({}, ports()))).toMatchObject({ curated_rows: 3, removed_duplicates: 0 });
    pass(1);
    expect(ofSales(await curate({}, ports()))).toEqual({
      arrivals: 1,
      days: 1,
      landed_rows: 3,
      curated_rows: 3,
      removed_duplicates: 0,
    });
  });

  it('has a call that finds another at work run nothing, and be called again', async () => {
    landMuch();
    const one = curate({}, ports());
    await expect(curate({}, ports())).rejects.toThrow(Unavailable);
    expect((await one).done).toBe(true);
    expect(merges()).toBe(3);
    expect(await quantities()).toEqual(EACH);
    expect(ofSales(await curate({}, ports()))).toMatchObject(WHOLE);
  });

  it('leaves the turn to others when it fails', async () => {
    landMuch();
    curation.before = () => {
      throw new Unavailable('the world');
    };
    await expect(curate({}, ports())).rejects.toThrow('the world');
    curation.before = () => undefined;
    expect((await curate({}, ports())).done).toBe(true);
  });

  it('waits for a merge that outlived its call, also when files came meanwhile, before it begins another', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01')]);
    const { run } = curation;
    let running: string | undefined;
    let left = 2; // calls that it outlives
    Object.assign(curation, {
      async run(...args: Parameters<typeof run>) {
        if (!args[0].startsWith('merge')) return run(...args);
        const one = `${args[1].round}\n${args[0]}`;
        expect(running ?? one).toBe(one); // no two at a time
        running = one;
        if (left-- > 0) throw new StillRunning('on its way');
        const answer = await run(...args);
        running = undefined;
        return answer;
      },
    });
    expect((await curate({}, ports())).done).toBe(false);
    land('2026-03-01', 'b', [sold(2, '2026-03-01')]);
    pass(0.01);
    expect((await curate({}, ports())).done).toBe(false);
    expect(ofSales(await curate({}, ports()))).toMatchObject({ landed_rows: 2, curated_rows: 2 });
    expect(await quantities()).toEqual([1, 2]);
  });

  it('does not keep a data set from its table because another one fails', async () => {
    land('2026-03-01', 'a', [sold(1, '2026-03-01')]);
    const { run } = curation;
    const failing = (error: Error, of: string) =>
      Object.assign(curation, {
        run: async (...args: Parameters<typeof run>) => {
          if (args[0].includes(of)) throw error;
          return run(...args);
        },
      });
    failing(new TooMuch('10 GB'), 'curated_transactions');
    await expect(curate({}, ports())).rejects.toThrow(TooMuch);
    expect(await curation.ask('select count(*)::int from curated_events')).toEqual([[0]]);
    expect([...curation.notes.keys()]).toEqual(['events']);

    curation.notes.clear();
    failing(new TooMuch('10 GB'), 'curated_');
    await expect(curate({}, ports())).rejects.toThrow('10 GB; TooMuch: 10 GB');
    failing(new Unavailable('the world'), 'curated_');
    await expect(curate({}, ports())).rejects.toThrow(Unavailable);
  });

  it('does not hide what is a defect, or too much', async () => {
    landMuch();
    curation.before = (what) => {
      if (what === 'merge') throw new TooMuch('10 GB');
    };
    await expect(curate({}, ports())).rejects.toThrow(TooMuch);
  });
});
