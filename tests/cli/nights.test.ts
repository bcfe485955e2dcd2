import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { recount, startNights } from '../../cli/dev/nights';
import type { Overview } from '../../shared/domain/overview';
import { sale, sales } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';

describe('the daily recount of npm start', () => {
  let world: TestWorld;
  const root = process.env.ECOMFLOW_ROOT;

  beforeEach(() => {
    world = testWorld();
    process.env.ECOMFLOW_ROOT = resolve(__dirname, '../..');
  });
  afterEach(() => {
    world.remove();
    if (root === undefined) delete process.env.ECOMFLOW_ROOT;
    else process.env.ECOMFLOW_ROOT = root;
  });

  it('judges the batches that are there, and keeps its report where mails look for it', async () => {
    await post(world, 'transactions', sales([sale()]));
    await drain(world);
    await recount(world.directory, new AbortController().signal);
    const folder = join(world.directory, 'reports/reconcile');
    const [day] = readdirSync(folder);
    const [file] = readdirSync(join(folder, day!));
    expect(JSON.parse(readFileSync(join(folder, day!, file!), 'utf8'))).toMatchObject({
      rows: { invoices: 1, landing: 1 },
      unbalanced: 0,
    });
  }, 30_000);

  it('ends with npm start', async () => {
    const stopping = new AbortController();
    const running = recount(world.directory, stopping.signal);
    stopping.abort();
    await running;
    expect(readdirSync(world.directory)).not.toContain('reports');
  }, 30_000);
});

describe('a load of npm start', () => {
  let world: TestWorld;
  beforeEach(() => {
    world = testWorld();
  });
  afterEach(() => world.remove());
  const overview = async (): Promise<Overview> => JSON.parse((await world.built.find('overview'))!);

  it('builds the insights behind the warehouse, once more for what came meanwhile', async () => {
    const nights = startNights(world, world.directory);
    await post(world, 'transactions', sales([sale({ invoice: '1' })]));
    await drain(world);
    const first = nights.load();
    await post(world, 'transactions', sales([sale({ invoice: '2' })]));
    await drain(world);
    nights.load();
    await nights.load();
    await first;
    expect((await overview()).datasets[0]).toMatchObject({ rows: 2, kept: 2 });
    expect((await overview()).insights.sales_by_day).toMatchObject({ rows: 1 });
    await nights.stop();
  }, 30_000);

  it('says in one line what could not be built, and builds it the next time', async () => {
    const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    let broken = true;
    const built = {
      ...world.built,
      keep: async (name: string, json: string) => {
        if (broken && name === 'funnel') {
          broken = false;
          throw new Error('no');
        }
        await world.built.keep(name, json);
      },
    };
    const nights = startNights({ ...world, built }, world.directory);
    await nights.load();
    expect(said.mock.calls).toEqual([[expect.stringMatching(/^insights: .*funnel \(Error: no\)/)]]);
    await nights.load();
    expect(said).toHaveBeenCalledTimes(1);
    expect((await overview()).insights.funnel).toMatchObject({ failed_at: null });
    await nights.stop();
    said.mockRestore();
  }, 30_000);

  it('is broken off when npm start ends', async () => {
    const nights = startNights(world, world.directory);
    const loading = nights.load();
    await nights.stop();
    await loading;
    expect(await world.built.find('overview')).toBeUndefined();
  }, 30_000);
});
