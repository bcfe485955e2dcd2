import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Api } from '../../cli/client/api';
import { connect } from '../../cli/client/connect';
import { simulate } from '../../cli/simulator';
import { freePort, run } from '../support/processes';

const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-live-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Live {
  readonly transactions: { readonly lines: number };
  readonly events: { readonly events: number };
}
interface Metrics {
  readonly meters: readonly { readonly meter: string; readonly dataset: string | null; readonly sum: number }[];
}

/** Rows that clean kept of both data sets, and those that the figures of the day have. */
async function counted(api: Api) {
  const { meters } = await api.get<Metrics>('/v1/metrics');
  const kept = (of: string) => meters.find(({ meter, dataset }) => meter === 'RowsKept' && dataset === of)?.sum ?? 0;
  const { transactions, events } = await api.get<Live>('/v1/live');
  return {
    kept: [kept('transactions'), kept('events')] as const,
    live: [transactions.lines, events.events] as const,
  };
}

it('a shop that is open shows in the figures of the day, to the last row, and closes at Ctrl-C', async () => {
  const directory = join(scratch, 'data');
  const csv = join(scratch, 'events.csv');
  writeFileSync(csv, [...simulate({ dataset: 'events', rows: 500, seed: 3 })].join(''));
  const options = ['--data', csv, '--dataset', 'events', '--dir', directory, '--port', String(await freePort())];
  const started = run('dev', ...options);
  try {
    await started.said('Ctrl-C stops it');
    const api = connect({ url: undefined, dir: directory, env: {} });
    const before = await counted(api);
    expect(before.live).toEqual([0, 0]); // of years ago

    const shop = run('simulate', '--live', '--rate', '200', '--dir', directory);
    await shop.said('The shop is open: 200 rows a second');
    await shop.said('rows sent');
    shop.child.kill('SIGINT');
    const { code, stderr } = await shop.ended;
    expect(stderr).toContain('The shop is closed: ');
    expect(code).toBe(0);

    const deadline = performance.now() + 15_000;
    for (;;) {
      const { kept, live } = await counted(api);
      const wanted = [kept[0] - before.kept[0], kept[1] - before.kept[1]];
      if (live[0] > 500 && live[1] > 500 && String(live) === String(wanted)) break;
      if (performance.now() > deadline) expect(live).toEqual(wanted);
      await new Promise((wake) => setTimeout(wake, 200));
    }
  } finally {
    started.child.kill('SIGINT');
    await started.ended;
  }
}, 90_000);

it('says who it cannot reach, and what rate it takes', async () => {
  const nobody = await run('simulate', '--live', '--dir', join(scratch, 'nobody')).ended;
  expect(nobody.stderr).toContain('give --url: no npm start runs in');
  const fast = await run('simulate', '--live', '--rate', '0', '--dir', scratch).ended;
  expect(fast.stderr).toContain('--rate is a number above 0, 10000 at most');
  expect([nobody.code, fast.code]).toEqual([2, 2]);
}, 30_000);
