import fc from 'fast-check';
import { claimLines, type InvoicePart, PART_BYTES } from '../../shared/domain/invoice';
import type { KeptRow } from '../../shared/domain/outcome';

const line = (n: number, description: string | null = 'MUG'): KeptRow => ({
  line_id: String(n).padStart(32, '0'),
  row: { invoice_no: '1', stock_code: `S${n}`, description, quantity: n, unit_price: '1.25' },
});
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => line(from + i));

/** The Invoices table in small: a part is written over the one before. */
class Table {
  readonly parts: InvoicePart[] = [];

  claim(rows: readonly KeptRow[], chunk: string) {
    const claim = claimLines('1', this.parts, rows, chunk);
    for (const part of claim.writes) {
      expect(part.version).toBe((this.parts[part.part]?.version ?? 0) + 1);
      expect(part.part).toBeLessThanOrEqual(this.parts.length);
      this.parts[part.part] = part;
    }
    return claim;
  }

  get ids(): string[] {
    return this.parts.flatMap((part) => part.lines.map(({ line_id }) => line_id));
  }
}

describe('a claim', () => {
  test('has the first line of an invoice for the chunk that brought it, also at a second try, and for no other', () => {
    const table = new Table();
    expect(table.claim(lines(2, 4), 'a').opening).toBe(line(2).line_id);
    expect(table.claim(lines(0, 4), 'b').opening).toBeUndefined();
    expect(table.claim(lines(2, 4), 'a').opening).toBe(line(2).line_id);
  });

  test('of a new invoice writes its first part', () => {
    const claim = claimLines('1', [], lines(0, 2), 'a');
    expect(claim).toEqual({
      claimed: lines(0, 2),
      duplicates: 0,
      opening: line(0).line_id,
      writes: [{ invoice_no: '1', part: 0, version: 1, lines: lines(0, 2).map((one) => ({ ...one, chunk_id: 'a' })) }],
    });
  });

  test('of no rows writes nothing', () => {
    expect(claimLines('1', [], [], 'a')).toEqual({
      claimed: [],
      duplicates: 0,
      writes: [],
      opening: undefined,
    });
  });

  test('adds what is new, counts what another chunk brought, and keeps what was there', () => {
    const table = new Table();
    table.claim(lines(0, 3), 'a');
    const second = table.claim(lines(2, 5), 'b');
    expect(second.claimed).toEqual(lines(3, 5));
    expect(second.duplicates).toBe(1);
    expect(table.parts).toMatchObject([{ part: 0, version: 2 }]);
    expect(table.parts[0]!.lines.map((one) => one.chunk_id)).toEqual(['a', 'a', 'a', 'b', 'b']);
  });

  test('that is tried again counts what it counted before, and writes nothing', () => {
    const table = new Table();
    table.claim(lines(0, 3), 'a');
    const first = table.claim(lines(1, 6), 'b');
    table.claim(lines(4, 9), 'c');
    const second = table.claim(lines(1, 6), 'b');
    expect({ ...second, writes: [] }).toEqual({ ...first, writes: [] });
    expect(second.writes).toEqual([]);
  });

  test('that was written in part goes on where it stopped', () => {
    const table = new Table();
    table.claim(lines(0, 2), 'a');
    const claim = table.claim(lines(0, 4), 'a');
    expect(claim).toMatchObject({ claimed: lines(0, 4), duplicates: 0 });
    expect(table.ids).toEqual(lines(0, 4).map(({ line_id }) => line_id));
  });

  test('leaves what it is given as it is', () => {
    const parts: InvoicePart[] = [{ invoice_no: '1', part: 0, version: 1, lines: [{ ...line(1), chunk_id: 'a' }] }];
    const before = structuredClone(parts);
    claimLines('1', parts, lines(2, 4), 'b');
    expect(parts).toEqual(before);
  });
});

describe('a large invoice', () => {
  const bytes = (part: InvoicePart) =>
    Buffer.byteLength(JSON.stringify(part.lines.map(({ row }) => Object.values(row))));

  test('of 5,000 lines has several parts, each far below 400 KB, and loses nothing', () => {
    const table = new Table();
    const { claimed, writes } = table.claim(lines(0, 5000), 'a');
    expect(claimed).toHaveLength(5000);
    expect(writes.map(({ part, version }) => [part, version])).toEqual(writes.map((_, i) => [i, 1]));
    expect(table.parts.length).toBeGreaterThan(3);
    for (const part of table.parts) expect(bytes(part)).toBeLessThan(PART_BYTES);
    expect(table.ids).toEqual(lines(0, 5000).map(({ line_id }) => line_id));
    expect(table.claim(lines(0, 5000), 'b')).toMatchObject({ claimed: [], duplicates: 5000, writes: [] });
  });

  test('grows in its last part only', () => {
    const table = new Table();
    table.claim(lines(0, 1500), 'a');
    const last = table.parts.length - 1;
    const { writes } = table.claim(lines(1500, 1510), 'b');
    expect(writes).toMatchObject([{ part: last, version: 2 }]);
  });

  test('opens the next part without writing the full one again', () => {
    const table = new Table();
    const long = 'x'.repeat(4000);
    table.claim(
      Array.from({ length: 16 }, (_, i) => line(i, long)),
      'a',
    );
    expect(table.parts).toHaveLength(1);
    expect(table.claim([line(16, long)], 'b').writes).toMatchObject([{ part: 1, version: 1, lines: { length: 1 } }]);
  });

  test('has a line that is larger than a part in a part of its own', () => {
    const table = new Table();
    const huge = 'é'.repeat(PART_BYTES);
    table.claim([line(1), line(2, huge), line(3)], 'a');
    expect(table.parts.map((part) => part.lines.length)).toEqual([1, 1, 1]);
    const alone = new Table();
    alone.claim([line(1, huge)], 'a');
    expect(alone.parts).toMatchObject([{ part: 0, version: 1, lines: { length: 1 } }]);
  });

  test('counts null as little', () => {
    const table = new Table();
    table.claim(
      Array.from({ length: 400 }, (_, i) => line(i, null)),
      'a',
    );
    expect(table.parts).toHaveLength(1);
  });
});

test('claims of any chunks in any order, tried again at any time, count every line once', () => {
  const chunk = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), tries: fc.integer({ min: 1, max: 3 }) });
  const content: Record<string, KeptRow[]> = { a: lines(0, 5), b: lines(3, 9), c: lines(8, 9), d: lines(0, 12) };
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 12 }), (order) => {
      const table = new Table();
      const counted = new Map<string, { kept: number; duplicates: number }>();
      for (const { id, tries } of order) {
        for (let i = 0; i < tries; i++) {
          const { claimed, duplicates } = table.claim(content[id]!, id);
          const now = { kept: claimed.length, duplicates };
          expect(counted.get(id) ?? now).toEqual(now);
          counted.set(id, now);
          expect(now.kept + now.duplicates).toBe(content[id]!.length);
        }
      }
      const distinct = new Set([...counted.keys()].flatMap((id) => content[id]!.map(({ line_id }) => line_id)));
      expect([...counted.values()].reduce((sum, { kept }) => sum + kept, 0)).toBe(distinct.size);
      expect(table.ids.toSorted()).toEqual([...distinct].toSorted());
    }),
  );
});
