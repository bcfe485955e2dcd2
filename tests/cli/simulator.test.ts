import { parse } from 'csv-parse/sync';
import { type Simulation, shopBooks, simulate } from '../../cli/simulator/index';

const text = (simulation: Simulation) => [...simulate(simulation)].join('');
const records = (simulation: Simulation): string[][] => parse(text(simulation), { from: 2 });

describe.each(shopBooks)('a simulated shop: %s', (dataset) => {
  it('is the same for the same seed, and another for another', () => {
    const once = text({ dataset, rows: 3000, seed: 7, dirty: 0.1 });
    expect(text({ dataset, rows: 3000, seed: 7, dirty: 0.1 })).toBe(once);
    expect(text({ dataset, rows: 3000, seed: '7', dirty: 0.1 })).toBe(once);
    expect(text({ dataset, rows: 3000, seed: 8, dirty: 0.1 })).not.toBe(once);
  });

  it('does not change while another one is made beside it', () => {
    const alone = text({ dataset, rows: 4000, seed: 7 });
    const other = simulate({ dataset, rows: 100_000, seed: 9 });
    let beside = '';
    for (const piece of simulate({ dataset, rows: 4000, seed: 7 })) {
      beside += piece;
      other.next();
    }
    expect(beside).toBe(alone);
  });

  it.each([0, 1, 2, 999, 5000])('has a header and exactly %d records', (rows) => {
    expect(records({ dataset, rows, seed: 1 })).toHaveLength(rows);
    expect(text({ dataset, rows, seed: 1 })).toMatch(/^(InvoiceNo,StockCode|event_time,event_type),[A-Za-z_,]+\n/);
  });

  it('comes in pieces of about 64 KB that end with a record', () => {
    const pieces = [...simulate({ dataset, rows: 5000, seed: 1 })];
    expect(pieces.length).toBeGreaterThan(3);
    for (const piece of pieces.slice(0, -1)) {
      expect(piece.length).toBeGreaterThanOrEqual(65_536);
      expect(piece.length).toBeLessThan(66_000);
    }
    expect(pieces.every((piece) => piece.endsWith('\n'))).toBe(true);
  });
});

describe('simulated transactions', () => {
  const rows = records({ dataset: 'transactions', rows: 60_000, seed: 3 }) as Row[];
  type Row = [string, string, string, string, string, string, string, string];
  const invoices = new Map<string, Row[]>();
  for (const row of rows) {
    const lines = invoices.get(row[0]);
    if (lines) lines.push(row);
    else invoices.set(row[0], [row]);
  }
  const sales = [...invoices].filter(([no]) => /^\d/.test(no)).map(([, lines]) => lines);
  const time = (row: Row) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = row[4].split(/\D/).map(Number);
    return new Date(Date.UTC(year, month - 1, day, hour, minute));
  };
  const share = (test: (row: Row) => boolean) => rows.filter(test).length / rows.length;

  it('are written while the shop is open', () => {
    expect(rows.every((row) => /^\d{1,2}\/\d{1,2}\/\d{4} \d{1,2}:\d\d$/.test(row[4]))).toBe(true);
    const outside = rows.filter((row) => {
      const [opens, closes] = time(row).getUTCDay() === 0 ? [10, 16] : [8, 18];
      return time(row).getUTCHours() < opens! || time(row).getUTCHours() >= closes!;
    });
    expect(outside).toEqual([]);
  });

  it('are most at noon', () => {
    const hours = sales.map(([first]) => time(first as Row).getUTCHours());
    const at = (hour: number) => hours.filter((each) => each === hour).length;
    for (const hour of [8, 9, 16, 17]) expect(at(12)).toBeGreaterThan(at(hour));
  });

  it('have invoice numbers that rise with time', () => {
    const all = [...invoices].map(([no, [first]]) => ({ no: Number(no.replace(/\D/, '')), at: time(first as Row) }));
    const wrong = all.filter(({ no, at }, i) => i > 0 && (no <= all[i - 1]!.no || at < all[i - 1]!.at));
    expect(wrong).toEqual([]);
  });

  it('have about 15 lines on an invoice, and some have hundreds', () => {
    const sizes = sales.map((lines) => lines.length).sort((a, b) => a - b);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeGreaterThanOrEqual(11);
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(19);
    expect(sizes.at(-1)).toBeGreaterThan(150);
  });

  it('come from customers who return, a few of them often', () => {
    const visits = new Map<string, number>();
    for (const [first] of sales) if (first?.[6]) visits.set(first[6], (visits.get(first[6]) ?? 0) + 1);
    const counts = [...visits.values()].sort((a, b) => b - a);
    expect(counts.filter((count) => count > 1).length).toBeGreaterThan(counts.length / 2);
    expect(counts[0]).toBeGreaterThan(10 * (counts[Math.floor(counts.length / 2)] as number));
  });

  it('have best sellers', () => {
    const sold = new Map<string, number>();
    for (const row of rows) sold.set(row[1], (sold.get(row[1]) ?? 0) + 1);
    const counts = [...sold.values()].sort((a, b) => b - a);
    const tenth = counts.slice(0, counts.length / 10).reduce((sum, count) => sum + count, 0);
    expect(tenth / rows.length).toBeGreaterThan(0.4);
  });

  it('have the flaws of a real shop', () => {
    expect(share((row) => row[6] === '')).toBeGreaterThan(0.19);
    expect(share((row) => row[6] === '')).toBeLessThan(0.31);
    expect(share((row) => row[2] === '')).toBeGreaterThan(0.0005);
    expect(share((row) => row[0].startsWith('C'))).toBeGreaterThan(0.01);
    expect(share((row) => Number(row[3]) <= 0 && !row[0].startsWith('C'))).toBeGreaterThan(0.001);
    expect(share((row) => Number(row[5]) <= 0)).toBeGreaterThan(0.002);
    const different = new Set(rows.map((row) => row.join('\u001f'))).size;
    expect(1 - different / rows.length).toBeGreaterThan(0.005);
    expect(1 - different / rows.length).toBeLessThan(0.02);
  });

  it('have bad debts, rarely', () => {
    const many = text({ dataset: 'transactions', rows: 400_000, seed: 3 }).match(/\nA\d+,B,/g) ?? [];
    expect(many.length).toBeGreaterThan(0);
    expect(many.length).toBeLessThan(20);
  });

  it('send back what the same customer bought before', () => {
    const bought = new Set<string>();
    const strangers: string[] = [];
    for (const [no, code, , , , price, customer] of rows) {
      const line = [code, price, customer].join();
      if (!no.startsWith('C')) bought.add(line);
      else if (!bought.has(line)) strangers.push(no);
    }
    expect(strangers).toEqual([]);
  });

  it('have a stock code twice on an invoice with another quantity', () => {
    const twice = sales.filter((lines) => {
      const kinds = new Set(lines.map((row) => `${row[1]},${row[3]}`));
      return kinds.size > new Set(lines.map((row) => row[1])).size;
    });
    expect(twice.length).toBeGreaterThan(20);
  });

  it('have descriptions with commas, quotes, line breaks and letters beyond ASCII', () => {
    for (const sign of [',', '"', '\n', '\r\n', '£', 'É'])
      expect(share((row) => row[2].includes(sign))).toBeGreaterThan(0);
  });
});

describe('simulated events', () => {
  const rows = records({ dataset: 'events', rows: 60_000, seed: 3 }) as Row[];
  type Row = [string, string, string, string, string, string, string, string, string];
  const share = (test: (row: Row) => boolean) => rows.filter(test).length / rows.length;

  it.each([
    ['view', 0.47],
    ['cart', 0.28],
    ['remove_from_cart', 0.18],
    ['purchase', 0.06],
  ])('are %s in a believable share', (type, expected) => {
    expect(Math.abs(share((row) => row[1] === type) - expected)).toBeLessThan(0.02);
  });

  it('are in the order of time', () => {
    expect(rows.every((row) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/.test(row[0]))).toBe(true);
    expect(rows.every((row, i) => i === 0 || (rows[i - 1] as Row)[0] <= row[0])).toBe(true);
  });

  it('remove and buy only what is in the cart, each session by one user', () => {
    const carts = new Map<string, Set<string>>();
    const users = new Map<string, string>();
    const wrong: Row[] = [];
    let last = '';
    for (const row of rows) {
      const [, type, product, , , , , user, session] = row;
      const repeated = row.join() === last;
      last = row.join();
      if (session === '' || repeated) continue;
      const cart = carts.get(session) ?? new Set();
      carts.set(session, cart);
      if ((users.get(session) ?? user) !== user) wrong.push(row);
      users.set(session, user);
      if (type === 'cart') cart.add(product);
      if ((type === 'remove_from_cart' || type === 'purchase') && !cart.delete(product)) wrong.push(row);
    }
    expect(carts.size).toBeGreaterThan(1000);
    expect(wrong).toEqual([]);
  });

  it('come from users who return, in sessions named like UUIDs', () => {
    const sessions = new Map<string, Set<string>>();
    for (const row of rows) sessions.set(row[7], (sessions.get(row[7]) ?? new Set()).add(row[8]));
    const returning = [...sessions.values()].filter((each) => each.size > 1).length;
    expect(returning).toBeGreaterThan(sessions.size / 3);
    expect(
      rows.every((row) => /^([\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12})?$/.test(row[8])),
    ).toBe(true);
  });

  it('mostly have no category code and often no brand', () => {
    expect(share((row) => row[4] === '')).toBeGreaterThan(0.95);
    expect(share((row) => row[4] === '')).toBeLessThan(1);
    expect(Math.abs(share((row) => row[5] === '') - 0.42)).toBeLessThan(0.06);
  });
});
