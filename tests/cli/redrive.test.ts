import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../cli/redrive';
import { storesHere } from '../../cli/redrive/here';
import { batchInWords, failureInWords, replayInWords } from '../../cli/redrive/words';
import { doWork } from '../../cli/redrive/work';
import { writeRaw } from '../../shared/adapters/local/raw';
import { LIMITS } from '../../shared/domain/body';
import { balanceOf } from '../../shared/domain/ledger';
import { sale, sales } from '../support/rows';
import { drain, findings, post, type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
let said: string[];
let printed: string[];
let file: string;
beforeEach(() => {
  world = testWorld();
  file = join(world.directory, 'refused.csv');
  said = [];
  printed = [];
  jest.spyOn(console, 'error').mockImplementation((...parts) => void said.push(parts.join(' ')));
  jest.spyOn(console, 'log').mockImplementation((...parts) => void printed.push(parts.join(' ')));
});
afterEach(() => {
  jest.restoreAllMocks();
  world.remove();
});

const redrive = (...args: string[]) => main([...args, '--dir', world.directory]);
const told = () => said.join('\n');
/** A body with two rows that are kept, and three that are refused. */
const BODY = sales([
  sale(),
  sale({ stock: 'B' }),
  sale({ stock: 'C', quantity: '0' }),
  sale({ stock: 'D', description: '"a ""quoted"", thing"', price: 'free' }),
  `${sale({ stock: 'E' })},one too many`,
]);
async function taken(body = BODY): Promise<string> {
  const batch = await post(world, 'transactions', body);
  await drain(world);
  return batch;
}
const balance = async (batch: string) => {
  const { kept, duplicate, rejected, balanced } = balanceOf((await world.batches.find(batch))!);
  return { kept, duplicate, rejected, balanced };
};
const REFUSED = { kept: 2, duplicate: 0, rejected: { non_positive_quantity: 1, unparseable: 2 }, balanced: true };
/** Corrects the file as somebody with an editor would. */
const correct = (...changes: [string, string][]) =>
  writeFileSync(
    file,
    changes.reduce(
      (text, [from, to]) => {
        expect(text).toContain(from);
        return text.replace(from, to);
      },
      readFileSync(file, 'utf8'),
    ),
  );

describe('the call', () => {
  const BATCH = '0a'.repeat(16);
  it.each<[string, string[], string]>([
    ['nothing at all', [], 'say what'],
    ['an argument that is none', ['now'], '"now" is not known'],
    ['an option that is none', ['--force'], "Unknown option '--force'"],
    ['a batch that is no id', ['--batch', 'x'], 'is no id of a batch'],
    ['a batch and a time', ['--batch', BATCH, '--since', '2026-03-01'], '--batch or --since'],
    ['a replay of no batch', ['--replay'], '--replay goes with --batch'],
    ['a file of no batch', ['--edit', 'x.csv', '--reason', 'missing'], '--edit goes with --batch'],
    ['a replay and a file', ['--batch', BATCH, '--replay', '--edit', 'x'], '--replay or --edit'],
    ['a replay for a reason', ['--batch', BATCH, '--replay', '--reason', 'missing'], 'leave --reason out'],
    ['a file for a reason', ['--batch', BATCH, '--edited', 'x', '--reason', 'missing'], 'leave --reason out'],
    ['a file that is not there', ['--batch', BATCH, '--edited', '/nowhere.csv'], 'there is no file /nowhere.csv'],
    ['a dry run of --edit', ['--batch', BATCH, '--edit', 'x', '--dry-run'], '--edit changes nothing'],
    ['failures of a batch', ['--failed', '--batch', BATCH], 'leave --batch out'],
    ['failures for a reason', ['--failed', '--reason', 'missing'], 'leave --reason out'],
    ['failures since a time', ['--failed', '--since', '2026-03-01'], 'leave --since out'],
    ['failures as a file', ['--failed', '--edit', 'x'], 'leave --edit out'],
    ['an empty reason', ['--reason', ''], '--reason: name a reason'],
    ['a word for a time', ['--since', 'yesterday'], '"yesterday" is no time'],
    ['a day that there is not', ['--since', '2026-02-30'], '"2026-02-30" is no time'],
    ['a month that there is not', ['--since', '2026-13-01'], '"2026-13-01" is no time'],
    ['a region without a stage', ['--failed', '--region', 'eu-central-1'], '--region goes with --stage'],
    ['a stage and a directory', ['--failed', '--stage', 'dev', '--dir', 'x'], 'not both'],
    ['stage local', ['--failed', '--stage', 'local'], 'no stage that can be deployed'],
  ])('with %s is wrong', async (_, args, words) => {
    expect(await main(args)).toBe(2);
    expect(told()).toContain(words);
    expect(told()).not.toContain('    at '); // no stack
  });

  it('can be for help', async () => {
    expect(await main(['--help'])).toBe(0);
    expect(printed.join()).toContain('Usage: npm run redrive');
  });

  it.each<[string, string[], string]>([
    ['a directory where nothing is', ['--failed', '--dir', '/nowhere'], 'There is no ecomflow in /nowhere'],
    ['a stage that nobody can be asked about', ['--failed', '--stage', 'dev'], 'cannot be asked'],
  ])('with %s is told what to do', async (_, args, words) => {
    const { AWS_ENDPOINT_URL } = process.env;
    Object.assign(process.env, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' });
    try {
      expect(await main(args)).toBe(1);
    } finally {
      process.env.AWS_ENDPOINT_URL = AWS_ENDPOINT_URL;
      if (AWS_ENDPOINT_URL === undefined) delete process.env.AWS_ENDPOINT_URL;
      delete process.env.AWS_MAX_ATTEMPTS;
    }
    expect(told()).toContain(words);
    expect(told()).not.toContain('    at ');
  });

  it('with a batch that is unknown, or open, is answered in words and changes nothing', async () => {
    expect(await redrive('--batch', BATCH)).toBe(1);
    expect(told()).toBe('There is no such batch.');
    const batch = await post(world, 'transactions', BODY);
    for (const more of [[], ['--dry-run'], ['--reason', 'missing']])
      expect(await redrive('--batch', batch, ...more)).toBe(1);
    expect(told()).toContain('is being cleaned');
    for (const id of [BATCH, batch]) expect(await redrive('--batch', id, '--edit', file)).toBe(1);
    expect(existsSync(file)).toBe(false);
  });
});

describe('refused rows', () => {
  it('that are refused again are told, with their reasons, and are no error', async () => {
    const batch = await taken();
    expect(await redrive('--batch', batch)).toBe(0);
    expect(told()).toBe(
      `${batch} transactions: 3 rows tried: 0 kept, 0 duplicate, 3 refused again (unparseable 2, non_positive_quantity 1)`,
    );
    expect(await balance(batch)).toEqual(REFUSED);
  });

  it('of one reason leave others as they are', async () => {
    const batch = await taken();
    expect(await redrive('--batch', batch, '--reason', 'non_positive_quantity', '--json')).toBe(0);
    expect(JSON.parse(printed.join('\n'))).toEqual({
      batch_id: batch,
      dataset: 'transactions',
      tried: 1,
      kept: 0,
      duplicate: 0,
      rejected: { non_positive_quantity: 1 },
      left: 2,
    });
    expect(told()).toContain('; 2 refused rows not tried');
  });

  it('of all batches are told batch by batch and in sum', async () => {
    const [first, second] = [await taken(), await taken(sales([sale({ quantity: '0' }), sale({ stock: 'Z' })]))];
    expect(await redrive('--since', '2026-03-01', '--json')).toBe(0);
    expect(told()).toContain(`${first} transactions: 3 rows tried`);
    expect(told()).toContain(`${second} transactions: 1 row tried`);
    expect(told()).toContain('In all: 4 rows tried: 0 kept, 0 duplicate, 4 refused again (');
    expect(JSON.parse(printed.join('\n'))).toMatchObject({
      tried: 4,
      rejected: { non_positive_quantity: 2, unparseable: 2 },
    });
    said = [];
    expect(await redrive('--since', '2026-03-02T00:00:00Z')).toBe(0);
    expect(await redrive('--reason', 'bad_debt')).toBe(0);
    expect(said).toEqual(['No batch has such rows.', 'No batch has such rows.']);
  });

  it('of a batch that cannot be redriven are told by its problem, and others go on', async () => {
    const batch = await taken();
    const { head } = (await world.batches.find(batch))!;
    await world.rejects.put({ ...head, chunk_id: (await world.batches.find(batch))!.entries[0]!.chunk_id }, []);
    expect(await redrive('--since', '2026-03-01')).toBe(1);
    expect(told()).toContain('1 of them could not be redriven');
  });
});

describe('an edited table', () => {
  it('takes refused rows through with their new values, once', async () => {
    const batch = await taken();
    expect(await redrive('--batch', batch, '--edit', file)).toBe(0);
    expect(told()).toContain(`${file} has 3 refused rows`);
    correct([',C,A thing,0,', ',C,A thing,7,'], [',free,', ',9.99,'], [',one too many"', '"']);
    expect(await redrive('--batch', batch, '--edited', file, '--dry-run')).toBe(0);
    expect(await balance(batch)).toEqual(REFUSED);
    expect(told()).toContain('Nothing was changed: --dry-run.');

    expect(await redrive('--batch', batch, '--edited', file)).toBe(0);
    expect(told()).toContain(`${batch} transactions: 3 rows tried: 3 kept, 0 duplicate, 0 refused again`);
    expect(await balance(batch)).toEqual({ kept: 5, duplicate: 0, rejected: {}, balanced: true });
    const [part] = (await world.invoices.read(['1'])).get('1')!;
    expect(
      part!.lines.map(({ row }) => [row.stock_code, row.description, row.quantity, row.unit_price]).sort(),
    ).toEqual([
      ['A', 'A thing', 1, '2.55'],
      ['B', 'A thing', 1, '2.55'],
      ['C', 'A thing', 7, '2.55'],
      ['D', 'a "quoted", thing', 1, '9.99'],
      ['E', 'A thing', 1, '2.55'],
    ]);

    const before = await findings(world, [batch]);
    said = [];
    expect(await redrive('--batch', batch, '--edited', file)).toBe(0);
    expect(told()).toContain('has no row that says something new');
    expect(await findings(world, [batch])).toEqual(before);
  });

  it('leaves rows as they are that were taken out of it, or not corrected', async () => {
    const batch = await taken();
    await redrive('--batch', batch, '--edit', file, '--reason', 'unparseable');
    expect(readFileSync(file, 'utf8').split('\r\n')).toHaveLength(4); // header, two rows, the end
    correct([',free,', ',3,']);
    expect(await redrive('--batch', batch, '--edited', file)).toBe(0);
    expect(await balance(batch)).toEqual({
      kept: 3,
      duplicate: 0,
      rejected: { non_positive_quantity: 1, unparseable: 1 },
      balanced: true,
    });
  });

  it('with a correction that does not help says so, and keeps the new text for the next one', async () => {
    const batch = await taken();
    await redrive('--batch', batch, '--edit', file);
    correct([',C,A thing,0,', ',C,A thing,-4,']);
    expect(await redrive('--batch', batch, '--edited', file)).toBe(1);
    expect(told()).toContain(
      '1 row tried: 0 kept, 0 duplicate, 1 refused again (non_positive_quantity 1); 2 refused rows not tried',
    );
    expect(await balance(batch)).toEqual(REFUSED);
    expect(await redrive('--batch', batch, '--edit', `${file}.2`)).toBe(0);
    expect(readFileSync(`${file}.2`, 'utf8')).toContain(',C,A thing,-4,');
    correct([',C,A thing,-4,', ',C,A thing,0,']); // as it came is something new by now
    said = [];
    expect(await redrive('--batch', batch, '--edited', file)).toBe(1);
    expect(told()).toContain('1 row tried');
  });

  it('with a row that was never refused is refused whole, by its line', async () => {
    const batch = await taken();
    await redrive('--batch', batch, '--edit', file);
    correct([',C,A thing,0,', ',C,A thing,7,'], [',5,unparseable,', ',2,unparseable,'], [',free,', ',1,']);
    expect(await redrive('--batch', batch, '--edited', file)).toBe(1);
    expect(told()).toContain('Line 2 of chunk');
    expect(told()).toContain('it was never refused');
    expect(await balance(batch)).toEqual(REFUSED);
  });

  it('is never written over another file, nor where nothing is refused, nor taken when it is none', async () => {
    const batch = await taken();
    writeFileSync(file, 'mine');
    expect(await redrive('--batch', batch, '--edit', file)).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(await redrive('--batch', batch, '--edited', file)).toBe(1);
    expect(told()).toContain('Line 1 of the table names a column that is none of the batch: "mine"');
    writeFileSync(file, Buffer.alloc(LIMITS.textBytes + 1));
    expect(await redrive('--batch', batch, '--edited', file)).toBe(2);
    const good = await taken(sales([sale({ stock: 'Q' })]));
    expect(await redrive('--batch', good, '--edit', `${file}.2`)).toBe(0);
    expect(existsSync(`${file}.2`)).toBe(false);
  });
});

describe('a batch', () => {
  it('is replayed from raw/, and what is not there is told', async () => {
    const batch = await taken();
    expect(await redrive('--batch', batch, '--replay')).toBe(1);
    expect(told()).toContain('chunk 1 is left: it is not in raw/');
    while ((await writeRaw(world.log, world.lake)) > 0);
    const before = await findings(world, [batch]);
    said = [];
    expect(await redrive('--batch', batch, '--replay', '--json')).toBe(0);
    expect(JSON.parse(printed.at(-1)!)).toMatchObject({ chunks: 1, replayed: 1, left: [], unreadable: [] });
    expect(await findings(world, [batch])).toEqual(before);
  });
});

describe('what failed', () => {
  it('is nothing, or comes back, or is left and told', async () => {
    expect(await redrive('--failed')).toBe(0);
    expect(told()).toBe('Nothing has failed.');
    const batch = await post(world, 'transactions', BODY);
    const [record] = world.log.read('reader', 1);
    await world.failed.put('a-chunk', record!.data, new Error('a defect'));
    mkdirSync(join(world.directory, 'failed'), { recursive: true });
    writeFileSync(join(world.directory, 'failed/nonsense.chunk'), 'nonsense');
    said = [];
    expect(await redrive('--failed', '--json')).toBe(1);
    expect(told()).toContain('failed/a-chunk.chunk: 1 chunk cleaned');
    expect(told()).toContain('failed/nonsense.chunk: left: ');
    expect(told()).toContain('1 of 2 objects are through; the lines above say why others are left.');
    expect(JSON.parse(printed.join('\n'))).toMatchObject({ through: 1, left: 1 });
    expect(await balance(batch)).toEqual(REFUSED);
    expect(existsSync(join(world.directory, 'failed/a-chunk.chunk'))).toBe(false);
  });
});

describe('trouble', () => {
  it('of a broken world is said in words, with what to do', async () => {
    const batch = await taken();
    rmSync(join(world.directory, 'rejected'), { recursive: true });
    writeFileSync(join(world.directory, 'rejected'), 'no folder');
    expect(await redrive('--batch', batch)).toBe(1);
    expect(told()).not.toContain('    at ');
    expect(told()).toContain('run the same command again');
  });

  it('with the operator, who breaks it off, ends it behind a batch, and the next call goes on', async () => {
    await taken();
    await taken(sales([sale({ quantity: '0' })]));
    const { ports, by, close } = storesHere(world.directory);
    const history = {
      async *batches(since?: string) {
        for await (const batch of ports.history.batches(since)) {
          process.emit('SIGINT');
          yield batch;
        }
      },
    };
    const heard = process.listenerCount('SIGINT');
    let batches = 0;
    const counting = { ...history, batches: (since?: string) => history.batches(since) };
    try {
      expect(
        await doWork(
          { kind: 'all' },
          { ports: { ...ports, history: counting }, by, close },
          { dryRun: false, json: false },
        ),
      ).toBe(130);
      batches = said.filter((line) => line.includes(' transactions: ')).length;
    } finally {
      close();
    }
    expect(batches).toBe(1);
    expect(told()).toContain('the same command goes on from here');
    expect(process.listenerCount('SIGINT')).toBe(heard);
  });

  it('with one batch is said of it in a line', () => {
    const counts = { tried: 0, kept: 0, duplicate: 0, rejected: {}, left: 0 };
    expect(batchInWords({ batch_id: 'b', dataset: 'events', ...counts, problem: 'It is open.' })).toBe(
      'b events: It is open.',
    );
    expect(failureInWords({ key: 'failed/raw/x', became: 'kept', count: 2 })).toBe(
      'failed/raw/x: 2 records kept in raw/',
    );
    expect(failureInWords({ key: 'k', became: 'landed', count: 1 })).toBe('k: 1 row handed to landing');
    expect(
      replayInWords({
        batch_id: 'b',
        dataset: 'd',
        chunks: 2,
        replayed: 1,
        cleaned: 1,
        recounted: 0,
        left: [],
        unreadable: ['raw/x'],
      }),
    ).toBe('1 of 2 chunks replayed, 1 cleaned for the first time, 0 counted anew\nraw/x cannot be read to its end');
  });
});
