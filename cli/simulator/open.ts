import type { Api } from '../client/api';
import { type ShopBook, shopBooks } from './index';
import { headerOf, nowIn } from './now';

const TICK_MS = 1000;
const SAY_EVERY = 10; // ticks

/**
 * Sends what happens in a shop that is open right now, so many rows a second, half of it sales, until the signal of the
 * API's client says stop. How many rows were taken. @throws Refused, Unreachable, TokenRefused
 */
export async function keepOpen(api: Api, rowsPerSecond: number, now: () => Date = () => new Date()): Promise<number> {
  const run = Math.floor(now().getTime() / 1000);
  const books = shopBooks.map((book) => ({ book, units: nowIn(book, run), due: 0 }));
  const started = performance.now();
  let sent = 0;
  for (let tick = 1; !api.signal.aborted; tick++) {
    for (const shop of books) {
      shop.due += rowsPerSecond / books.length;
      const rows: string[] = [];
      while (rows.length < Math.floor(shop.due)) rows.push(...shop.units.next().value(now()));
      shop.due -= rows.length; // an invoice is sent whole: the next ones wait for their turn
      if (rows.length > 0) sent += await send(api, shop.book, rows);
    }
    if (tick % SAY_EVERY === 0) console.error(`${sent.toLocaleString('en-US')} rows sent`);
    await api.pause(Math.max(0, started + tick * TICK_MS - performance.now())).catch(() => undefined); // the loop ends
  }
  return sent;
}

async function send(api: Api, book: ShopBook, rows: readonly string[]): Promise<number> {
  try {
    await api.post(`/v1/${book}`, Buffer.from(headerOf(book) + rows.join('')), 'text/csv');
    return rows.length;
  } catch (error) {
    if (api.signal.aborted) return 0;
    throw error;
  }
}
