import { gzipSync } from 'node:zlib';
import { datasets } from '../../shared/domain/dataset';
import type { ChunkEntry } from '../../shared/domain/ledger';
import type { Verdict } from '../../shared/domain/outcome';
import type { Chunk } from '../../shared/domain/packing';
import {
  type Attempt,
  acceptedBy,
  areCounted,
  claimantOf,
  countReasons,
  decodeAttempt,
  encodeAttempt,
  judgedRows,
  movedEntry,
  NotAnAttempt,
  oneRow,
  refusedBefore,
  refusedFor,
  retry,
  stillRefused,
} from '../../shared/domain/redrive';
import { sale } from '../support/rows';

const kept = (line_id: string): Verdict => ({ kind: 'kept', line_id, row: { a: line_id } });
const no = (reason: string, field = 'a'): Verdict => ({ kind: 'rejected', reason, field });
const refused = (line: number, reason: string, text = `text ${line}`) => ({ line, reason, field: 'a', text });

const entry: ChunkEntry = {
  batch_id: 'b',
  number: 1,
  chunk_id: 'b-2-abc',
  revision: 1,
  kept: 5,
  duplicate: 1,
  rejected: { missing: 2, unparseable: 1, cancellation: 1 },
  cleaned_at: 'then',
};

const attempt: Attempt = {
  batch_id: 'b',
  dataset: 'transactions',
  chunk_id: 'b-2-abc',
  number: 1,
  revision: 2,
  contract_version: 1,
  begun_at: '2026-03-01T12:00:00.000Z',
  by: 'somebody',
  rows: [
    { ...refused(7, 'missing'), now: 'text 7', verdict: kept('x') },
    { ...refused(3, 'missing'), now: 'other', verdict: no('bad_debt', 'b') },
  ],
  left: [refused(5, 'unparseable'), refused(4, 'cancellation')],
};

describe('rows of a chunk', () => {
  test('are judged with the line that they start in', () => {
    const chunk: Chunk = {
      dataset: 'transactions',
      contract_version: 1,
      batch_id: 'b',
      number: 1,
      chunk_id: 'c',
      first_line: 10,
      rows: 3,
      format: 'csv',
      columns: datasets.get('transactions')!.contract.columns.map(({ name }) => name),
      received_at: '2026-03-01T12:00:00.000Z',
      text: [sale({ description: '"two\nlines"' }), sale({ quantity: '0' }), 'x'].join('\n'),
    };
    const rows = [...judgedRows(chunk, datasets.get('transactions')!)];
    expect(rows.map(({ line, verdict }) => [line, verdict.kind === 'rejected' ? verdict.reason : 'kept'])).toEqual([
      [10, 'kept'],
      [12, 'non_positive_quantity'],
      [13, 'missing'],
    ]);
    expect(rows[2]!.text).toBe('x');
  });
});

describe('refused rows that are tried again', () => {
  const rows = [refused(2, 'missing'), refused(3, 'bad'), refused(4, 'missing')];
  const says =
    (...verdicts: [string, Verdict][]) =>
    (text: string) =>
      new Map(verdicts).get(text)!;

  test('are those of which the outcome changes, and the others are left as they are', () => {
    const clean = says(['text 2', kept('x')], ['text 3', no('bad')], ['text 4', no('bad')]);
    expect(retry(rows, {}, clean)).toEqual({
      tried: 3,
      rows: [
        { ...rows[0], now: 'text 2', verdict: kept('x') },
        { ...rows[2], now: 'text 4', verdict: no('bad') },
      ],
      left: [rows[1]],
      rejected: { bad: 2 },
    });
  });

  test('are only those of a reason, if one is named', () => {
    const clean = says(['text 3', kept('x')]);
    expect(retry(rows, { reason: 'bad' }, clean)).toMatchObject({ tried: 1, left: [rows[0], rows[2]], rejected: {} });
  });

  test('are those that have a text of their own, whatever they were refused for', () => {
    const clean = says(['new', no('missing')], ['text 4', no('missing', 'b')]);
    const texts = new Map([
      [3, 'new'],
      [4, 'text 4'],
    ]);
    expect(retry(rows, { reason: 'missing', texts }, clean)).toEqual({
      tried: 2,
      rows: [
        { ...rows[1], now: 'new', verdict: no('missing') },
        { ...rows[2], now: 'text 4', verdict: no('missing', 'b') },
      ],
      left: [rows[0]],
      rejected: { missing: 2 },
    });
    expect(retry([refused(4, 'x', 'old')], { texts: new Map([[4, 'new']]) }, () => no('x')).rows).toHaveLength(1);
  });
});

describe('what a refused row says', () => {
  const before = { ...refused(2, 'bad'), cleaned: { a: 'before' } };
  const again: Verdict = { kind: 'rejected', reason: 'worse', field: 'a', cleaned: { a: 'now' } };

  test('stays with it where nothing changes', () => {
    const same: Verdict = { kind: 'rejected', reason: 'bad', field: 'a', cleaned: { a: 'before' } };
    expect(retry([before], {}, () => same)).toMatchObject({ rows: [], left: [before] });
  });

  test('is that of the text that it has, before a redrive and behind it', () => {
    const { rows, left } = retry([before], {}, () => again);
    expect(refusedBefore({ rows, left })).toStrictEqual([before]);
    expect(stillRefused({ rows, left })).toStrictEqual([
      { line: 2, reason: 'worse', field: 'a', text: 'text 2', cleaned: { a: 'now' } },
    ]);
  });

  test('is gone where the row cannot be read any more', () => {
    const { rows, left } = retry([before], {}, () => no('missing'));
    expect(stillRefused({ rows, left })).toStrictEqual([refused(2, 'missing')]);
  });
});

describe('an attempt', () => {
  test('has a name under which its rows are claimed', () => {
    expect(claimantOf(attempt)).toBe('b-2-abc-r2');
  });

  test('knows what was refused before it, and what is behind it, by line', () => {
    expect(refusedBefore(attempt)).toEqual([
      refused(3, 'missing'),
      refused(4, 'cancellation'),
      refused(5, 'unparseable'),
      refused(7, 'missing'),
    ]);
    expect(stillRefused(attempt)).toEqual([
      { line: 3, reason: 'bad_debt', field: 'b', text: 'other' },
      refused(4, 'cancellation'),
      refused(5, 'unparseable'),
    ]);
  });

  test('has each row once that goes through', () => {
    const later: Verdict = { kind: 'kept', line_id: 'x', row: { a: 'later' } };
    const rows = [kept('x'), no('missing'), kept('y'), later].map((verdict, i) => ({
      ...refused(i, 'missing'),
      now: '',
      verdict,
    }));
    expect(acceptedBy({ rows })).toEqual({
      rows: [
        { line_id: 'x', row: { a: 'x' } },
        { line_id: 'y', row: { a: 'y' } },
      ],
      repeated: 1,
    });
  });

  test('moves rows from refused to kept and duplicate; the sum stays, and reasons without rows go', () => {
    expect(movedEntry(entry, attempt, { kept: 1, duplicate: 0 }, 'now')).toEqual({
      ...entry,
      revision: 2,
      kept: 6,
      rejected: { bad_debt: 1, cancellation: 1, unparseable: 1 },
      cleaned_at: 'now',
    });
    expect(movedEntry(entry, attempt, { kept: 0, duplicate: 1 }, 'now')).toMatchObject({ kept: 5, duplicate: 2 });
  });

  test('may count kept rows and duplicates anew', () => {
    const left = [...attempt.left, refused(8, 'missing'), refused(9, 'missing')];
    const counted = { ...attempt, rows: [], left, recount: { kept: 2, duplicate: 4 } };
    expect(movedEntry(entry, counted, { kept: 9, duplicate: 9 }, 'now')).toMatchObject({
      revision: 2,
      kept: 2,
      duplicate: 4,
      rejected: { missing: 2, unparseable: 1, cancellation: 1 },
    });
  });

  test('moves nothing when the sum would be another', () => {
    expect(() => movedEntry(entry, attempt, { kept: 1, duplicate: 1 }, 'now')).toThrow(
      'b-2-abc has 10 rows, and revision 2 11',
    );
  });
});

describe('refused rows', () => {
  test('are counted by reason', () => {
    expect(countReasons([{ reason: 'b' }, { reason: 'a' }, { reason: 'b' }])).toEqual({ a: 1, b: 2 });
    expect(Object.keys(countReasons([{ reason: 'b' }, { reason: 'a' }]))).toEqual(['a', 'b']);
  });

  test.each([
    ['those of the entry', { a: 2, b: 1, c: 0 }, true],
    ['fewer', { a: 3, b: 1 }, false],
    ['of more reasons', { a: 2 }, false],
    ['of other reasons', { a: 2, c: 1 }, false],
  ])('are or are not those of an entry: %s', (_, rejected, are) => {
    expect(areCounted([refused(1, 'a'), refused(2, 'b'), refused(3, 'a')], { rejected })).toBe(are);
  });
});

test.each([
  ['csv', 'a,b', 'a,b'],
  ['csv', 'a,b\r\n', 'a,b'],
  ['csv', '\n"a\nb",c\n\n', '"a\nb",c'],
  ['csv', 'a\nb', undefined],
  ['csv', '', undefined],
  ['csv', '"a', undefined],
  ['ndjson', '{"a":1}', '{"a":1}'],
  ['ndjson', '{"a":\n1}', undefined],
  ['ndjson', ' ', undefined],
] as const)('a corrected text is one row, or none: %s %j', (format, text, row) => {
  expect(oneRow(text, format)).toBe(row);
});

test('a text that cannot be asked is our defect', () => {
  expect(() => oneRow(undefined as never, 'csv')).toThrow(TypeError);
});

describe('an attempt that is written down', () => {
  test('comes back as it was, whatever is in its texts', () => {
    const odd = { ...attempt, left: [refused(1, 'x', '\ud800 "é🧀\u2028\u0000\n')] };
    expect(decodeAttempt(encodeAttempt(odd))).toEqual(odd);
  });

  test.each([
    ['no gzip', Buffer.from('{}')],
    ['no JSON', gzipSync('x')],
    ['null', gzipSync('null')],
    ['without rows', gzipSync('{"left":[],"revision":1}')],
    ['without those left', gzipSync('{"rows":[],"revision":1}')],
    ['without a revision', gzipSync('{"rows":[],"left":[]}')],
  ])('is none when it is %s', (_, bytes) => {
    expect(() => decodeAttempt(bytes)).toThrow(NotAnAttempt);
  });

  test('is not read when it is larger than any', () => {
    const bytes = encodeAttempt(attempt);
    expect(() => encodeAttempt(attempt, 100)).toThrow(expect.objectContaining({ code: 'too_large' }));
    expect(() => decodeAttempt(bytes, 100)).toThrow(NotAnAttempt);
    expect(decodeAttempt(bytes, 10_000)).toEqual(attempt);
  });
});

test('rows are refused for a reason as often as the ledger says, for no reason in all, for other words never', () => {
  const rejected = { missing: 2, unparseable: 1 };
  expect(['missing', undefined, 'constructor', ''].map((reason) => refusedFor(reason, rejected))).toEqual([2, 3, 0, 0]);
});
