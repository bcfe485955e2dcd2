import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { recount } from '../../cli/dev/nights';
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
