import type { Contract } from '../../../shared/domain/contract';

/*
 * A contract with every type and predicate, in a zone with a summer time, and rows that have one odd value each. What
 * becomes of them is not written down here: both sides must say the same.
 */
const column = (name: string, type: string, more: object = {}) => ({
  name,
  type,
  from: [],
  description: name,
  ...more,
});

export const WIDE: Contract = {
  name: 'wide',
  version: 3,
  grain: 'one row of odd values',
  timezone: 'Europe/Berlin',
  event_time: 'moment',
  columns: [
    column('id', 'string', { maxLength: 40, from: ['Row ID', 'No'] }),
    column('moment', 'timestamp', {
      formats: ['M/D/YYYY H:MM', 'M/D/YYYY H:MM:SS', 'YYYY-MM-DD HH:MM:SS', 'YYYY-MM-DD HH:MM:SS UTC', 'ISO 8601'],
    }),
    column('amount', 'decimal(12,4)'),
    column('tiny', 'decimal(15,15)', { nullable: true }),
    column('large', 'decimal(15,0)', { default: '7.0' }),
    column('half', 'decimal(9,2)', { nullable: true }),
    column('count', 'int', { default: '+03.0' }),
    column('word', 'string', {
      maxLength: 5,
      nullable: true,
      stripDecimalZeros: true,
      enum: ['one', 'two', '007', 'ß'],
    }),
    column('label', 'string', { maxLength: 20, default: 'none' }),
    column('late', 'string', { maxLength: 20, nullable: true }), // not in the identity: the first of two rows counts
  ],
  reject: [
    { reason: 'prefixed', column: 'label', startsWith: 'ssT' },
    { reason: 'matched', column: 'label', matches: '^a[\\s.&&[]b.c$|\\u{1f600}$|^\\S\\s$' },
    { reason: 'before_nineteen_forty', column: 'moment', startsWith: '193' },
    { reason: 'small', column: 'amount', lessThan: -0.3 },
    { reason: 'thin', column: 'tiny', lessThanOrEqual: 1e-7 },
    { reason: 'known', column: 'count', lessThan: -2147483647 },
    { reason: 'unknown_word', column: 'word', notIn: 'enum' },
    { reason: 'unknown_half', column: 'label', notIn: ['none', 'x', 'straße', 'ſst', 'aXb', 'a b\tc', 'ok', 'same'] },
  ],
  identity: ['id', 'moment', 'amount', 'tiny', 'large', 'half', 'count', 'word', 'label'],
};

const NUMBERS = [
  ...[
    '0',
    '-0',
    '+0',
    '00',
    '.5',
    '5.',
    '.',
    '+',
    '-',
    '+.5',
    '-.5',
    '-.',
    '1.',
    '01',
    '007.10',
    '1.2345',
    '1.23450',
    '1.23456',
  ],
  ...[
    '12345678',
    '123456789',
    '12345678.9999',
    '00012345678.99990000',
    '-12345678.9999',
    '99999999.9999',
    '-0.3',
    '-0.3001',
  ],
  ...[
    '1e3',
    '1E-3',
    '0x10',
    'NaN',
    'Infinity',
    '1,5',
    '1 000',
    '--1',
    '+-1',
    '１２',
    '٣',
    '1_000',
    '1.2.3',
    '$1',
    '1-',
    '',
  ],
  ...[
    '0.000000000000001',
    '0.0000000000000010',
    '-0.000000000000001',
    '0.0000000000000001',
    '0.0000001',
    '0.00000010',
    '0.00000011',
  ],
  ...[
    '999999999999999',
    '1000000000000000',
    '0999999999999999.000',
    '2147483647',
    '2147483648',
    '-2147483648',
    '-2147483649',
  ],
  ...[
    '2147483647.000',
    '-2147483648.0',
    '000000000000000002',
    '0000000000000000002',
    '1.0',
    '1.',
    '1.00001',
    ' 1 ',
    '\u00a01\ufeff',
  ],
  `${'0'.repeat(60)}1.5`,
  `1.5${'0'.repeat(60)}`,
  `-${'0'.repeat(99)}.25${'0'.repeat(99)}`,
  `1${'0'.repeat(40)}`,
  '0'.repeat(80),
  `.${'0'.repeat(80)}`,
  `+${'0'.repeat(50)}12.000000000000000000000000000000000000001`,
];

const TIMES = [
  ...[
    '1/2/2020 3:04',
    '12/31/1999 23:59',
    '01/02/2020 03:04',
    '1/2/2020 3:4',
    '13/1/2020 0:00',
    '0/1/2020 0:00',
    '1/0/2020 0:00',
  ],
  ...[
    '2/29/2020 0:00',
    '2/29/2021 0:00',
    '2/29/1900 1:00',
    '4/31/2020 0:00',
    '1/2/20 3:04',
    '1/2/2020 24:00',
    '1/2/2020 3:60',
  ],
  ...[
    '1/2/2020 3:04:05',
    '1/2/2020 3:04:60',
    '1/2/2020  3:04',
    '1/2/2020T3:04',
    '1/2/2020 3:04 UTC',
    '001/2/2020 3:04',
  ],
  ...['2020-01-02 03:04:05', '2020-1-2 03:04:05', '2020-01-02 3:04:05', '2020-01-02 03:04', '2020-01-02 03:04:05.5'],
  ...[
    '2020-01-02 03:04:05 UTC',
    '2020-01-02 03:04:05 utc',
    '2020-01-02 03:04:05 GMT',
    '2020-01-02 03:04:05Z',
    '2020-02-30 03:04:05',
  ],
  ...[
    '2020-01-02T03:04:05Z',
    '2020-01-02t03:04:05z',
    '2020-01-02T03:04Z',
    '2020-01-02T03:04',
    '2020-01-02T03:04:05',
    '2020-01-02T03Z',
  ],
  ...[
    '2020-01-02T03:04:05.1Z',
    '2020-01-02T03:04:05,123456Z',
    '2020-01-02T03:04:05.1234567Z',
    '2020-01-02T03:04:05.123456000Z',
  ],
  ...[
    '2020-01-02T03:04:05.1234560000Z',
    '2020-01-02T03:04:05.000000000Z',
    '2020-01-02T03:04:05.0000001Z',
    '2020-01-02T03:04.5Z',
  ],
  ...['2020-01-02T03:04:05+01', '2020-01-02T03:04:05+0130', '2020-01-02T03:04:05+01:30', '2020-01-02T03:04:05-18:59'],
  ...[
    '2020-01-02T03:04:05+18:00',
    '2020-01-02T03:04:05+19:00',
    '2020-01-02T03:04:05+01:60',
    '2020-01-02T03:04:05+1',
    '2020-01-02T03:04:05-00:00',
  ],
  ...['2020-03-29 01:59:59', '2020-03-29 02:00:00', '2020-03-29 02:30:00', '2020-03-29 03:00:00', '3/29/2020 2:59'], // left out
  ...[
    '2020-10-25 01:59:59',
    '2020-10-25 02:00:00',
    '2020-10-25 02:30:00',
    '2020-10-25 03:00:00',
    '2020-10-25T02:59:59.999999',
  ], // twice
  ...[
    '1900-01-01 00:00:00',
    '1900-01-01 01:00:00',
    '1900-01-01 00:00:00 UTC',
    '1899-12-31 23:59:59',
    '1900-01-01T00:00:00+01',
  ],
  ...[
    '1899-12-31T23:00:00-05:00',
    '9999-12-31 23:59:59',
    '9999-12-31T23:59:59.999999Z',
    '9999-12-31T23:59:59-01',
    '0020-01-02 03:04:05',
  ],
  ...[
    '10000-01-01 00:00:00',
    '1939-06-01 12:00:00',
    '1940-01-01 00:30:00',
    '1945-05-24 02:30:00',
    '1947-05-11 03:30:00',
    '1980-04-06 02:30:00',
  ],
  ...[
    'yesterday',
    '45992.35',
    '2020-W01-1',
    '2020-001',
    '２０20-01-02 03:04:05',
    '2020-01-02 03:04:05\u0000',
    '',
    ' 2020-01-02 03:04:05\t',
  ],
];

const TEXTS = [
  ...[
    '',
    ' ',
    '\t',
    '\u00a0',
    '\u3000x\u3000',
    '\u200bx\u200b',
    '\u0085',
    'x\u0085',
    '\u180e',
    'a\u2028b',
    '\ufeffx',
    'x\u001f',
    '\u007fx',
    'a\u0000b',
  ],
  ...[
    'one',
    'two',
    'three',
    '007',
    '007.0',
    '7.00',
    '7.0 ',
    '7.',
    '.0',
    '007.01',
    '٣.0',
    'ß',
    'SS',
    '"',
    '""',
    '"""',
    'a"b',
    '"a"b',
    "'",
  ],
  ...[
    'none',
    'x',
    'straße',
    'SST',
    'sst',
    'sSt',
    'ßt',
    'ſst',
    'Sſt',
    'SsT and more',
    's',
    'ss',
    'ok',
    'aXb',
    'a b\tc',
    'a b\nc',
    'a.b\rc',
  ],
  ...[
    'a&b c',
    'a[bxc',
    'a]bxc',
    'a\u00a0bxc',
    'a\u0085bxc',
    'a bxc\n',
    'say 😀',
    '😀',
    '😀😀😀😀😀',
    '😀😀😀😀😀😀',
    '€ ',
    'é\u3000',
    'a\\b',
    'a\\',
  ],
  ...[
    'null',
    'NULL',
    'true',
    'é',
    'e\u0301',
    'é'.repeat(20),
    'é'.repeat(21),
    '👩‍👩‍👧',
    'x'.repeat(20),
    'x'.repeat(21),
    ',',
    'a,b',
    '{',
    '[1]',
    '=1+1',
  ],
];

/** Values to try by type. */
const oddValues = (type: string) => (type === 'timestamp' ? TIMES : type === 'string' ? TEXTS : NUMBERS);

const GOOD: Readonly<Record<string, string>> = {
  moment: '2020-06-01 12:00:00',
  amount: '1.50',
  tiny: '0.5',
  large: '12',
  half: '2.25',
  count: '1',
  word: 'one',
  label: 'ok',
  late: 'first',
};

/** Rows by column, each with one odd value, and some that repeat one of them but for what does not count. */
function oddRows(): Record<string, string>[] {
  const rows = WIDE.columns.flatMap(({ name, type }) =>
    oddValues(type).map((value, i) => ({ id: `${name} ${i}`, ...GOOD, [name]: value })),
  );
  const again = ['first', 'second', '', 'third'].map((late) => ({ id: 'again', ...GOOD, label: 'same', late }));
  return [...rows, ...again.slice(1), ...again];
}

const quoted = (value: string) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

export function wideCsv(): Buffer {
  const names = WIDE.columns.map(({ name }) => name);
  const rows = oddRows().map((row) => names.map((name) => quoted(row[name]!)).join(','));
  return Buffer.from(`${[names.join(','), ...rows, ...BROKEN_CSV].join('\n')}\n`);
}

const LINE = 'r,2020-06-01 12:00:00,1.50,0.5,12,2.25,1,one,ok,first';
const BROKEN_CSV = [
  ',',
  ',\r\r\r',
  'a\r\r,b\r',
  ',,,,,,,,,',
  ',,,,,,,,,,',
  `${LINE},`,
  LINE.slice(0, -6),
  `"${LINE}"`,
  `"r"x,${LINE.slice(2)}`,
  `"r"",",${LINE.slice(2)}`,
  `""r"",${LINE.slice(2)}`,
  `r"",${LINE.slice(2)}`,
  ` "r",${LINE.slice(2)}`,
  `"r" ,${LINE.slice(2)}\r`,
  `"r2\r\n" ,${LINE.slice(2)}\r\r`,
  `${LINE.slice(0, -5)}"fi""rst"\r`,
  '"',
  '"',
  '\r',
  ' ',
  '""',
  '"","","","","","","","","",""',
  ','.repeat(5000),
  `"a"${','.repeat(5000)}`,
  `"${'""'.repeat(3000)}"${LINE.slice(1)}`,
  `${'x'.repeat(10_000)}${LINE}`,
];

/** A JSON object of parts that are JSON already. */
const object = (parts: Readonly<Record<string, string>>) =>
  `{${Object.entries(parts)
    .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
    .join(',')}}`;

const ODD_JSON = [
  ...[
    '1',
    '-0',
    '0.10',
    '1.5',
    '1E0',
    '1e-1',
    '12345678901234567890',
    '1.0000000000000000000000001',
    '100',
    'true',
    'false',
    'null',
  ],
  ...[
    '[]',
    '{}',
    '[1,[2,{"a":[3]}],"]"]',
    '{"a":{"b":{"c":{"d":{"e":{"f":{"g":1}}}}}}}',
    `${'['.repeat(9)}${']'.repeat(9)}`,
  ],
  ...[
    '"\\u0041"',
    '"\\ud83d\\ude00"',
    '"\\ud83d"',
    '"\\ude00\\ud83d"',
    '"\\\\ud83d"',
    '"a\\u0000"',
    '"\\b"',
    '"\\f x"',
    '"\\t\\n\\r"',
  ],
  ...[
    '"\\/\\"\\\\"',
    '"x\u007f"',
    '"\u2028"',
    '"\\u00a0 x\\ufeff"',
    '"\\uD83D\\uDE00 \\u00e9"',
    `"${'['.repeat(30)}"`,
    '"é"',
  ],
];

const BROKEN_JSON = [
  ...[
    '',
    ' ',
    '\u00a0',
    '\ufeff',
    '{}',
    ' {} ',
    '{ }\t\r',
    '[]',
    '1',
    '"x"',
    'null',
    '{',
    '}',
    '{}}',
    '{}{}',
    '{},',
    '{"id":1,}',
    '{,}',
    '{"id"}',
  ],
  ...[
    '{"id":}',
    '{"id":1 "word":2}',
    '{"id":01}',
    '{"id":+1}',
    '{"id":.5}',
    '{"id":1.}',
    '{"id":1e}',
    '{"id":0x1}',
    '{"id":NaN}',
    '{"id":\'a\'}',
  ],
  ...[
    '{id:1}',
    '{"id":"a\tb"}',
    '{"id":"\\x"}',
    '{"id":"\\u12"}',
    '{"id":"a}',
    '{"id":tru}',
    '{"id":True}',
    '{"id":nullx}',
    '{"id":[1,]}',
  ],
  ...[
    '{"id":[1 2]}',
    '{"id":{"a"}}',
    '{"id":{"a":1,}}',
    '{"id":[}',
    '{"id":1]',
    '{"id":"a"}x',
    '\ufeff{"id":"a"}',
    '{"id":"a"}\u00a0',
    '// {}',
  ],
  ...[
    '{"extra":1}',
    '{"id":1,"extra":[],"more":2}',
    '{"2":1,"1":2,"id":3}',
    '{"zz":1,"10":2,"9":3}',
    '{"4294967295":1,"5":2}',
    '{"01":1,"a":2}',
  ],
  ...[
    '{"id":"a","ID":"b"}',
    '{"ROW id":"a","no":"b"}',
    '{"_i_d_":"a"}',
    '{" row\\u00a0ID":"a"}',
    '{"i\\u0064":"a"}',
    '{"\\u212Ao":"a"}',
  ],
  ...[
    '{"":1}',
    '{" ":1}',
    '{"__proto__":1}',
    '{"constructor":1}',
    `{"${'k'.repeat(70)}":1}`,
    `{"${'😀'.repeat(40)}":1}`,
    '{"a\\u0000b":1}',
    '{"a\\"b":1}',
  ],
  ...[
    '{"word":"two","zz":1,"word":"one"}',
    '{"id":{"x":1},"id":"last"}',
    '{"id":"a","id":null}',
    `{"id":${'['.repeat(50)}1.0${']'.repeat(50)}}`,
  ],
  `{"id":"deep","amount":1.5,"label":"[x","count":${'[{"a":'.repeat(20)}1${'}]'.repeat(20)}}`,
  `{"zz":${'['.repeat(20)}${']'.repeat(20)},"1":1}`,
  `{"id":${'['.repeat(20)}${']'.repeat(19)}}`,
  `{"id":${'['.repeat(20)}${']'.repeat(20)}} x`,
  `{"id":"a" ${' '.repeat(5000)}, "word":"one"}`,
];

export function wideNdjson(): Buffer {
  const good = Object.fromEntries(Object.entries(GOOD).map(([name, value]) => [name, JSON.stringify(value)]));
  const odd = WIDE.columns.flatMap(({ name }) =>
    ODD_JSON.map((value, i) => object({ id: `"${name} ${i}"`, ...good, [name]: value })),
  );
  const rows = oddRows().map((row) => JSON.stringify(row));
  const whole = object({ ...good }).slice(0, -1);
  const lasting = [
    `${whole},"id":"one","ID ":"two"}`,
    `${whole},"id":"one","id":"two"}`,
    `${whole},"id":[],"id":"three"}`,
  ];
  return Buffer.from(`${[...rows, ...odd, ...BROKEN_JSON, ...lasting].join('\n')}\n`);
}
