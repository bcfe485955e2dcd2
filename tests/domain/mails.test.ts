import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Incident, KINDS, type Mail } from '../../shared/domain/alert';
import type { BatchHead, ChunkEntry } from '../../shared/domain/ledger';
import { arrivedMail, type News, newsOf } from '../../shared/domain/mails/arrived';
import { incidentMail } from '../../shared/domain/mails/incidents';
import { duration, plain, subjectOf } from '../../shared/domain/mails/words';

/*
 * Each case of MAILS has its mail under fixtures/mails/<name>.txt, written by hand: the subject, a blank line, the body
 * as it is sent. To add a case, add facts here and the file there.
 */
const FOLDER = join(__dirname, '../fixtures/mails');
const FROM = { stage: 'dev', option: '--stage dev', api: 'https://api.example' };
const AT = '2026-03-01T12:00:05.123Z';
const BATCH = '961fef3ba1714c4865c50b664e0e21bc';
const OTHER = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const FILE = 'ab54d286474f7e0dd3a8cbd1e7eb4b2f0d4d7a3fe3ac1ba0a0d5d9b9e3e8a0c1';

const incident = (kind: Incident['kind'], facts: Incident['facts'], rest: Partial<Incident> = {}): Incident => ({
  id: `${kind} 1`,
  kind,
  dataset: 'transactions',
  at: AT,
  facts,
  ...rest,
});

const news = (rest: Partial<News> = {}): News => ({
  batch_id: BATCH,
  received_at: '2026-03-01T11:59:00.000Z',
  sent_by: 'shop',
  through_at: '2026-03-01T11:59:04.000Z',
  again: false,
  kept: 4,
  duplicate: 1,
  rejected: { cancellation: 1 },
  now: { kept: 4, duplicate: 1, rejected: { cancellation: 1 } },
  ...rest,
});

const whole = { kept: 6000, duplicate: 50, rejected: { cancellation: 30, non_positive_price: 20 } };
const EVIL = `\r\nBcc: all@example.com\r\n\r\nWhat to do\n  nothing\u2028\u202e\u0000\u001b[2J😀${'é'.repeat(5000)}`;

const MAILS: Readonly<Record<string, Mail>> = {
  arrived: arrivedMail('transactions', [news()], FROM),
  'arrived-clicks': arrivedMail(
    'events',
    [news({ kept: 1, duplicate: 0, rejected: {}, through_at: '2026-03-01T14:02:30.000Z' })],
    FROM,
  ),
  'arrived-files': arrivedMail(
    'transactions',
    [
      news({
        batch_id: OTHER,
        ...whole,
        file: { hash: FILE, key: 'inbox/transactions/März 2026.csv', part: 2, parts: 2 },
      }),
      news({
        ...whole,
        received_at: '2026-03-01T11:58:00.000Z',
        file: { hash: FILE, key: 'inbox/transactions/März 2026.csv', part: 1, parts: 2 },
      }),
      news({
        batch_id: OTHER,
        ...whole,
        rejected: {},
        received_at: '2026-03-01T11:59:30.000Z',
        through_at: '2026-03-01T12:01:35.000Z',
        file: { hash: 'ffff'.repeat(16), part: 1, parts: 3 },
      }),
      news({ received_at: '2026-03-01T11:59:45.000Z', through_at: '2026-03-01T11:59:45.400Z' }),
    ],
    FROM,
  ),
  'arrived-many': arrivedMail(
    'events',
    Array.from({ length: 10_000 }, (_, i) =>
      news({
        batch_id: String(i).padStart(32, '0'),
        kept: 500,
        duplicate: 0,
        rejected: {},
        received_at: new Date(Date.parse('2026-03-01T11:45:00Z') + i).toISOString(),
        through_at: '2026-03-01T11:45:12Z',
      }),
    ),
    FROM,
  ),
  'arrived-redriven': arrivedMail(
    'transactions',
    [news({ again: true, kept: 1, duplicate: 0, rejected: { cancellation: -1, missing: 0 } })],
    FROM,
  ),
  'arrived-and-redriven': arrivedMail(
    'transactions',
    [
      news(),
      news({
        batch_id: OTHER,
        again: true,
        kept: 1,
        duplicate: 1,
        rejected: { cancellation: -2 },
        file: { key: 'inbox/transactions/may.csv', part: 1, parts: 1 },
      }),
    ],
    FROM,
  ),
  file_refused: incidentMail(
    [
      incident('file_refused', {
        object: 'rejected/files/transactions/dt=2026-03-01/00ff.reason.json',
        key: 'inbox/transactions/march.csv',
        code: 'unknown_columns',
        detail: 'The header names no column of transactions: price per unit, item, date of sale, customer, shop.',
      }),
    ],
    FROM,
  ),
  'file_refused-many': incidentMail(
    Array.from({ length: 12 }, (_, i) =>
      incident(
        'file_refused',
        { key: `inbox/transactions/${i}.csv`, code: 'empty_body' },
        { id: `file_refused ${i}`, at: `2026-03-01T12:00:${59 - i}.000Z` },
      ),
    ),
    FROM,
  ),
  'file_refused-evil': incidentMail(
    [
      incident('file_refused', {
        object: `rejected/${EVIL}`,
        key: `inbox/transactions/${EVIL}`,
        code: EVIL,
        detail: `${'word '.repeat(3)}${EVIL}`,
      }),
    ],
    { ...FROM, stage: 'a-stage-with-a-long-name' },
  ),
  'file_refused-unreadable': incidentMail([incident('file_refused', {}, { dataset: undefined })], FROM),
  file_failed: incidentMail(
    [
      incident('file_failed', {
        key: 'inbox/transactions/2025.csv',
        run_id: 'jr_0123456789abcdef',
        state: 'TIMEOUT',
        message: 'Job run exceeded its timeout of 240 minutes',
        sent_by: 'shop',
        batch_id: BATCH,
      }),
    ],
    FROM,
  ),
  'file_failed-unknown': incidentMail(
    [incident('file_failed', { run_id: 'jr_0123456789abcdef', state: 'FAILED' }, { dataset: undefined })],
    FROM,
  ),
  'file_failed-nothing': incidentMail([incident('file_failed', {}, { dataset: undefined })], FROM),
  'file_failed-two': incidentMail(
    [
      incident('file_failed', { run_id: 'jr_1', state: 'FAILED' }),
      incident(
        'file_failed',
        { run_id: 'jr_2', state: 'STOPPED' },
        { id: 'file_failed 2', at: '2026-03-01T12:00:06Z' },
      ),
    ],
    FROM,
  ),
  chunk_failed: incidentMail(
    [
      incident('chunk_failed', {
        object: 'failed/8c1f.error.json',
        chunk_id: '8c1f',
        batch_id: BATCH,
        rows: 5000,
        error: 'TypeError',
        message: "Cannot read properties of undefined (reading 'line_id')",
      }),
    ],
    FROM,
  ),
  'chunk_failed-given-up': incidentMail(
    [
      incident(
        'chunk_failed',
        { object: 'aws/lambda/1', records: 100, condition: 'RetryAttemptsExhausted' },
        { dataset: undefined },
      ),
    ],
    FROM,
  ),
  'chunk_failed-two': incidentMail(
    [
      incident('chunk_failed', { chunk_id: '1' }),
      incident('chunk_failed', { chunk_id: '2' }, { id: 'chunk_failed 2', at: '2026-03-01T12:00:06Z' }),
    ],
    FROM,
  ),
  landing_failed: incidentMail(
    [incident('landing_failed', { zone: 'landing', object: 'failed/landing/transactions/format-conversion-failed/1' })],
    FROM,
  ),
  'landing_failed-two': incidentMail(
    [
      incident('landing_failed', { zone: 'raw', object: 'failed/raw/1' }, { dataset: undefined }),
      incident('landing_failed', {}, { id: '2', dataset: undefined, at: '2026-03-01T12:00:06Z' }),
    ],
    FROM,
  ),
  'landing_failed-unknown': incidentMail([incident('landing_failed', {})], FROM),
  unbalanced: incidentMail(
    [
      incident('unbalanced', {
        batch_id: BATCH,
        status: 'failed',
        received: 12_000,
        pending: 5000,
        failed: 1,
        received_at: '2026-03-01T11:15:00.000Z',
        sent_by: 'shop',
        key: 'inbox/transactions/march.csv',
      }),
    ],
    FROM,
  ),
  'unbalanced-two': incidentMail(
    [
      incident('unbalanced', { batch_id: BATCH, status: 'open', received: 1, pending: 1, failed: 0 }),
      incident('unbalanced', {}, { id: 'unbalanced 2', at: '2026-03-01T12:00:06Z' }),
    ],
    FROM,
  ),
  'unbalanced-unknown': incidentMail([incident('unbalanced', {})], FROM),
  rejected_share: incidentMail(
    [
      incident('rejected_share', {
        batch_id: BATCH,
        received: 1000,
        rejected: { cancellation: 400, missing: 50 },
        share: 0.45,
        limit: 0.2,
        received_at: '2026-03-01T11:15:00.000Z',
        sent_by: 'shop',
      }),
    ],
    FROM,
  ),
  'rejected_share-two': incidentMail(
    [
      incident('rejected_share', {}),
      incident('rejected_share', { rejected: { x: 'y' } }, { id: '2', at: '2026-03-01T12:00:06Z' }),
    ],
    FROM,
  ),
  nightly: incidentMail(
    [
      incident(
        'nightly',
        {
          object: 'reports/nightly/dt=2026-03-01/n.json',
          status: 'done',
          began_at: '2026-03-01T02:30:00.000Z',
          ended_at: '2026-03-01T02:41:10.000Z',
          added: 530_104,
          loaded: { events: 13_195, transactions: 516_909 },
          left: 0,
          unreadable: 0,
        },
        { dataset: undefined },
      ),
    ],
    FROM,
  ),
  'nightly-failed': incidentMail(
    [
      incident(
        'nightly',
        {
          object: 'reports/nightly/dt=2026-03-01/n.json',
          status: 'failed',
          began_at: '2026-03-01T02:30:00.000Z',
          ended_at: '2026-03-01T02:41:10.000Z',
          step: 'load',
          error: 'NotInTime',
          cause: 'The warehouse was not loaded in 7200 s.',
          loaded: {},
        },
        { dataset: undefined },
      ),
    ],
    FROM,
  ),
  'nightly-left-over': incidentMail(
    [incident('nightly', { status: 'done', added: 1, left: 1, unreadable: 2 }, { dataset: undefined })],
    FROM,
  ),
  'nightly-two': incidentMail(
    [
      incident('nightly', { status: 'done' }, { dataset: undefined }),
      incident('nightly', {}, { dataset: undefined, id: 'nightly 2', at: '2026-03-01T12:00:06Z' }),
    ],
    FROM,
  ),
  'nightly-unreadable': incidentMail([incident('nightly', {}, { dataset: undefined })], FROM),
  reconcile: incidentMail(
    [
      incident(
        'reconcile',
        {
          object: 'reports/reconcile/dt=2026-03-01/r.json',
          differences: 3,
          stores: { invoices: 2, landing: 1 },
        },
        { dataset: undefined },
      ),
    ],
    FROM,
  ),
  'reconcile-unreadable': incidentMail([incident('reconcile', {}, { dataset: undefined })], FROM),
  'reconcile-two': incidentMail(
    [
      incident('reconcile', { differences: 3 }, { dataset: undefined }),
      incident('reconcile', { differences: 1 }, { dataset: undefined, id: '2', at: '2026-03-01T12:00:06Z' }),
    ],
    FROM,
  ),
};

const asSent = ({ subject, body }: Mail) => `${subject}\n\n${body}`;
const fixture = (name: string) => readFileSync(join(FOLDER, `${name}.txt`), 'utf8');

describe('a mail', () => {
  it.each(Object.entries(MAILS))('says %s as its fixture does', (name, mail) => {
    expect(asSent(mail)).toBe(fixture(name));
  });

  it('has a fixture for each kind, and each fixture is one', () => {
    const names = readdirSync(FOLDER).map((file) => file.replace('.txt', ''));
    expect(names.sort()).toEqual(Object.keys(MAILS).sort());
    expect(KINDS.filter((kind) => !names.includes(kind))).toEqual([]);
  });

  it('is as severe as the worst that it tells', () => {
    const severities = Object.entries(MAILS).map(([name, { severity }]) => `${name} ${severity}`);
    expect(severities.filter((one) => !one.endsWith('failure'))).toEqual([
      'arrived info',
      'arrived-clicks info',
      'arrived-files info',
      'arrived-many info',
      'arrived-redriven info',
      'arrived-and-redriven info',
      'rejected_share warning',
      'rejected_share-two warning',
      'nightly info',
      'nightly-left-over warning',
    ]);
  });

  it('carries its data set, if it has one', () => {
    expect(MAILS.arrived).toMatchObject({ kind: 'arrived', dataset: 'transactions' });
    expect(MAILS.unbalanced).toMatchObject({ kind: 'unbalanced', dataset: 'transactions' });
    expect(MAILS.nightly).not.toHaveProperty('dataset');
  });

  it('is small, and has a subject that SNS takes, whatever strangers wrote', () => {
    const words = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.constant(EVIL));
    const facts = fc.dictionary(
      fc.constantFrom(
        'key',
        'code',
        'detail',
        'message',
        'error',
        'run_id',
        'state',
        'object',
        'status',
        'cause',
        'step',
      ),
      fc.oneof(words, fc.integer(), fc.constant(null)),
    );
    const rejected = fc.dictionary(words, fc.integer({ min: 1 }), { maxKeys: 30 });
    const kind = fc.constantFrom(...KINDS.filter((one) => one !== 'arrived'));
    fc.assert(
      fc.property(kind, fc.array(facts, { minLength: 1, maxLength: 30 }), words, rejected, (of, all, name, reasons) => {
        const mails = [
          incidentMail(
            all.map((one, i) => incident(of, { ...one, rejected: reasons }, { id: `${i}`, dataset: name })),
            FROM,
          ),
          arrivedMail(
            name,
            all.map((_, i) =>
              news({ batch_id: `${i}`, sent_by: name, file: { key: name + i, part: 1, parts: 1 }, rejected: reasons }),
            ),
            FROM,
          ),
        ];
        for (const { subject, body } of mails) {
          expect(subject).toMatch(/^[A-Za-z][ -~]{0,98}$/);
          expect(Buffer.byteLength(body)).toBeLessThan(16_384);
          expect(body).not.toMatch(/[^\n\P{C}]|\p{Zl}|\p{Zp}/u);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has lines of their own for its own words only', () => {
    const lines = MAILS['file_refused-evil']!.body.split('\n');
    expect(lines.filter((line) => line.startsWith('What to do'))).toHaveLength(1);
    expect(lines.filter((line) => /^Bcc/.test(line))).toEqual([]);
  });

  it('has an id of what it tells: another order is the same mail, other counts are another', () => {
    const [a, b] = [incident('unbalanced', {}), incident('unbalanced', {}, { id: 'other' })];
    expect(incidentMail([a, b], FROM).id).toBe(incidentMail([b, a], FROM).id);
    expect(incidentMail([a], FROM).id).not.toBe(incidentMail([a, b], FROM).id);
    expect(incidentMail([a], FROM).id).not.toBe(incidentMail([{ ...a, kind: 'file_failed' }], FROM).id);
    const more = news({ now: { kept: 5, duplicate: 0, rejected: {} } });
    expect(arrivedMail('events', [news()], FROM).id).toBe(arrivedMail('events', [news()], FROM).id);
    expect(arrivedMail('events', [news()], FROM).id).not.toBe(arrivedMail('events', [more], FROM).id);
    expect(MAILS.arrived!.id).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('words', () => {
  it('are cut where a character ends', () => {
    expect(plain('😀'.repeat(10), 5)).toBe('😀😀...');
    expect(plain('😀'.repeat(5), 5)).toBe('😀😀😀😀😀');
    expect(plain('  a\t b\r\nc  ')).toBe(' a b c ');
    expect(plain('a\u0000\u202eb\ud800')).toBe('a?b?');
  });

  it('of a subject give way so that figures stay', () => {
    const long = 'x'.repeat(200);
    expect(subjectOf(FROM, 'events', 'file refused:', long, ' (too_large)')).toBe(
      `ecomflow dev: events: file refused: ${'x'.repeat(48)}... (too_large)`,
    );
    expect(subjectOf(FROM, long, long, long, long)).toHaveLength(99);
  });

  it('of a duration are those that matter', () => {
    const from = '2026-03-01T12:00:00.000Z';
    const to = (seconds: number) => duration(from, new Date(Date.parse(from) + seconds * 1000).toISOString());
    expect([0, 59.4, 60, 3599, 3600, 90_061, -5].map(to)).toEqual([
      '0 s',
      '59 s',
      '1 min 0 s',
      '59 min 59 s',
      '1 h 0 min',
      '25 h 1 min',
      '0 s',
    ]);
  });
});

describe('the news of a batch', () => {
  const head: BatchHead = {
    batch_id: BATCH,
    dataset: 'transactions',
    contract_version: 1,
    format: 'csv',
    columns: [],
    received: 6,
    slices: [],
    received_at: '2026-03-01T11:59:00.000Z',
    sent_by: 'shop',
  };
  const entries = [
    { cleaned_at: '2026-03-01T11:59:04.000Z' },
    { cleaned_at: '2026-03-01T11:59:02.000Z' },
  ] as ChunkEntry[];
  const now = { kept: 4, duplicate: 1, rejected: { cancellation: 1 } };

  it('are all of it the first time', () => {
    expect(newsOf(head, entries, now, undefined)).toEqual(news());
    expect(newsOf({ ...head, received: 0 }, [], { kept: 0, duplicate: 0, rejected: {} }, undefined)).toMatchObject({
      kept: 0,
      through_at: head.received_at,
    });
  });

  it('are what has changed the next time, and none when nothing has', () => {
    const told = { at: AT, kept: 3, duplicate: 1, rejected: { cancellation: 1, missing: 1 } };
    expect(newsOf(head, entries, now, told)).toEqual(
      news({ again: true, kept: 1, duplicate: 0, rejected: { cancellation: 0, missing: -1 } }),
    );
    expect(newsOf(head, entries, now, { at: AT, ...now })).toBeUndefined();
    expect(newsOf(head, entries, now, { at: AT, ...now, rejected: {} })).toMatchObject({
      rejected: { cancellation: 1 },
    });
    expect(newsOf(head, entries, now, { at: AT, ...now, duplicate: 0 })).toMatchObject({ duplicate: 1 });
  });

  it('name its file, from the inbox or from a client', () => {
    const file = { hash: FILE, part: 2, parts: 3 };
    const origin = { key: 'inbox/transactions/a.csv', version: '1' };
    expect(newsOf({ ...head, file }, entries, now, undefined)?.file).toEqual(file);
    expect(newsOf({ ...head, origin }, entries, now, undefined)?.file).toEqual({ key: origin.key, part: 1, parts: 1 });
    expect(newsOf({ ...head, file, origin }, entries, now, undefined)?.file).toEqual({ ...file, key: origin.key });
  });
});

it('does not say that records are none which nobody could count', () => {
  const mail = incidentMail([incident('chunk_failed', { object: 'aws/lambda/1', records: 0 })], FROM);
  expect(mail.subject).toMatch(/: records given up$/);
  expect(mail.body).not.toMatch(/\b0\b/);
});

it('is text that can be sent, whatever a paper has in the place of a time', () => {
  for (const began_at of ['\u{1f4a5}'.repeat(50), `x${'\u{1f4a5}'.repeat(50)}`]) {
    const mail = incidentMail([incident('nightly', { status: 'failed', began_at })], FROM);
    expect(mail.body.isWellFormed()).toBe(true); // SNS' client throws at half a character
  }
});

describe('a command in a mail', () => {
  const here = { ...FROM, stage: 'local', option: '' };

  it.each([
    ['nightly', '\n  npm run nightly\n'],
    ['chunk_failed', '\n  npm run redrive -- --failed\n'],
  ] as const)('of a laptop (%s) names no stage', (kind, line) => {
    expect(incidentMail([incident(kind, { status: 'failed' })], here).body).toContain(line);
  });
});
