import { invoice } from '../../shared/pipeline/questions';
import { sale, sales } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';

const LINES = 5000;
/** In ten-thousandths, with pieces that no binary fraction has, and sums that no double holds. */
const priceOf = (i: number) => (i === 0 ? 999_999_999_999n : BigInt(1 + ((i * 7919) % 99_991)));
const quantityOf = (i: number) => (i === 0 ? 2_147_483_647n : BigInt(1 + (i % 13)));
const decimal = (units: bigint) => `${units / 10_000n}.${String(units % 10_000n).padStart(4, '0')}`;

describe('an invoice of 5,000 lines', () => {
  let world: TestWorld;
  beforeAll(async () => {
    world = testWorld();
    const rows = Array.from({ length: LINES }, (_, i) =>
      sale({ invoice: '536365', stock: `S${i}`, quantity: String(quantityOf(i)), price: decimal(priceOf(i)) }),
    );
    await post(world, 'transactions', sales(rows));
    await drain(world);
  });
  afterAll(() => world.remove());

  const ask = (limit?: string, cursor?: string) =>
    invoice({ resource: '/v1/invoices/536365', path: { invoice_no: '536365' }, limit, cursor }, world);

  it('is stored in several parts', async () => {
    expect((await world.invoices.read(['536365'])).get('536365')!.length).toBeGreaterThan(3);
  });

  it('says how many lines it has and what they come to, to the last digit', async () => {
    let total = 0n;
    for (let i = 0; i < LINES; i++) total += priceOf(i) * quantityOf(i);
    const answer = await ask('1');
    expect(answer.line_count).toBe(LINES);
    expect(answer.total).toBe(decimal(total).replace(/\.?0+$/, ''));
  });

  it.each([['97'], ['999'], ['1000'], [undefined]])('gives each line once, page by page of %s', async (limit) => {
    const stocks: string[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
      const answer = await ask(limit, cursor);
      expect(answer.lines.length).toBeLessThanOrEqual(Number(limit ?? 1000));
      stocks.push(...answer.lines.map(({ stock_code }) => String(stock_code)));
      cursor = answer.next_cursor ?? undefined;
      pages++;
    } while (cursor !== undefined);
    expect(stocks).toEqual(Array.from({ length: LINES }, (_, i) => `S${i}`));
    expect(pages).toBe(Math.ceil(LINES / Number(limit ?? 1000)));
  });
});
