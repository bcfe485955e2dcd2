import { Api } from '../../cli/client/api';
import { headerOf, nowIn } from '../../cli/simulator/now';
import { keepOpen } from '../../cli/simulator/open';
import { cleanRows } from '../../shared/domain/clean';
import { datasets } from '../../shared/domain/dataset';
import type { Chunk } from '../../shared/domain/packing';

const NOW = new Date('2026-03-01T12:34:56.789Z');

/** Rows of units as the contract reads them. */
function cleaned(dataset: 'transactions' | 'events', run: number, units: number) {
  const shop = nowIn(dataset, run);
  const text = Array.from({ length: units }, () => shop.next().value(NOW).join('')).join('');
  const { contract } = datasets.get(dataset)!;
  const chunk = { text, format: 'csv', columns: contract.columns.map(({ name }) => name), first_line: 2 };
  return cleanRows(chunk as unknown as Chunk, datasets.get(dataset)!);
}

describe('a shop that is open now', () => {
  it('sells now, whole invoices, that the contract takes', () => {
    const { accepted, rejected } = cleaned('transactions', 7, 100);
    expect(accepted.length).toBeGreaterThan(500);
    expect(new Set(accepted.map(({ row }) => row.invoice_date))).toEqual(new Set(['2026-03-01T12:34:56Z']));
    expect(rejected.filter(({ reason }) => reason === 'unparseable' || reason === 'missing')).toEqual([]);
  });

  it('has visitors now, whose clicks the contract takes', () => {
    const { accepted, rejected } = cleaned('events', 7, 1000);
    expect(accepted.length).toBeGreaterThan(500);
    expect(new Set(accepted.map(({ row }) => row.event_time))).toEqual(new Set(['2026-03-01T12:34:56Z']));
    expect(rejected).toEqual([]);
  });

  it('sells anew when it opens again', () => {
    const numbers = (run: number) =>
      new Set(cleaned('transactions', run, 50).accepted.map(({ row }) => row.invoice_no));
    const again = numbers(8);
    expect([...numbers(7)].filter((no) => again.has(no))).toEqual([]);
  });

  it('sends at its rate, both books, until it is told to close', async () => {
    const stopping = new AbortController();
    const bodies: Record<string, number> = { '/v1/transactions': 0, '/v1/events': 0 };
    const api = new Api('http://nobody', { token: 't' }, { onRetry: () => undefined, signal: stopping.signal });
    let ticks = 0;
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
    jest.spyOn(api, 'pause').mockImplementation(async () => {
      if (++ticks === 100) stopping.abort();
    });
    jest.spyOn(api, 'post').mockImplementation(async (path, body) => {
      const [header, ...rows] = Buffer.from(body).toString().trimEnd().split('\n');
      expect(`${header}\n`).toBe(headerOf(path === '/v1/events' ? 'events' : 'transactions'));
      bodies[path]! += rows.length;
      return {} as never;
    });
    const sent = await keepOpen(api, 40, () => NOW);
    expect(bodies['/v1/events']).toBe(2000);
    expect(bodies['/v1/transactions']).toBeGreaterThanOrEqual(2000);
    expect(bodies['/v1/transactions']).toBeLessThan(4000); // the last invoice is sent whole
    expect(sent).toBeGreaterThanOrEqual(4000);
    expect(sent).toBeLessThanOrEqual(bodies['/v1/events']! + bodies['/v1/transactions']!); // some rows have several lines
  });
});
