import fc from 'fast-check';
import { BrokenArray, JsonArrayRows, jsonFields } from '../../shared/domain/json';

function rows(...pieces: string[]): string[] {
  const array = new JsonArrayRows();
  const found = pieces.flatMap((piece) => array.push(piece));
  array.end();
  return found;
}

function fault(...pieces: string[]): string {
  try {
    rows(...pieces);
  } catch (error) {
    if (error instanceof BrokenArray) return `${error.problem} at ${error.offset}`;
    throw error;
  }
  throw new Error('the array is whole');
}

describe('elements of a JSON array', () => {
  test.each([
    ['none', '[]', []],
    ['none, with space around', ' \n[ \t]\r\n', []],
    ['one', '[{"a":1}]', ['{"a":1}']],
    ['several with space between', '[ {"a":1} ,\n {"b":2}\n]\n', ['{"a":1}', '{"b":2}']],
    ['nested', '[{"a":[1,{"b":[]}],"c":{}},[[],[2]]]', ['{"a":[1,{"b":[]}],"c":{}}', '[[],[2]]']],
    ['of every type', '[1,-2.50,"x",true,null]', ['1', '-2.50', '"x"', 'true', 'null']],
    [
      'with brackets, commas and quotes in text',
      '["],[","\\"]","\\\\",{"}":"{"}]',
      ['"],["', '"\\"]"', '"\\\\"', '{"}":"{"}'],
    ],
    ['that are no JSON, left to their row', '[{"a":},nope,{]},"x" "y",}]', ['{"a":}', 'nope', '{]}', '"x" "y"', '}']],
  ])('are told apart: %s', (_, text, expected) => {
    expect(rows(text)).toEqual(expected);
  });

  test('become one line each', () => {
    expect(rows('[{\n "a":\r\n 1\r},\n{"b":\n\n2}]')).toEqual(['{\t "a":\t 1\t}', '{"b":\t2}']);
  });

  test('with a line end within text stay what they were: no JSON', () => {
    const [row] = rows('[{"a":"two\nlines"}]');
    expect(() => JSON.parse(row!)).toThrow(SyntaxError);
  });

  test('are the same in pieces cut anywhere', () => {
    const text = ' [ {"a": [1, "\\"]\\\\"], "b": {"c": "},{"}},\n "é🧀" , 12.50, [] , null ] \n';
    const whole = rows(text);
    expect(whole).toEqual(['{"a": [1, "\\"]\\\\"], "b": {"c": "},{"}}', '"é🧀"', '12.50', '[]', 'null']);
    for (let a = 0; a <= text.length; a++) {
      for (let b = a; b <= text.length; b++) {
        expect(rows(text.slice(0, a), text.slice(a, b), text.slice(b))).toEqual(whole);
      }
    }
  });

  test('of any JSON array are read back', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), fc.nat(), (array, indent, at) => {
        const text = JSON.stringify(array, null, indent);
        const cut = at % (text.length + 1);
        const found = rows(text.slice(0, cut), text.slice(cut));
        expect(found.map((row) => JSON.stringify(JSON.parse(row)))).toEqual(array.map((one) => JSON.stringify(one)));
      }),
    );
  });
});

test('an element that is not complete is as long as it is open, and no longer', () => {
  const array = new JsonArrayRows();
  const open = (piece: string) => [array.push(piece).length, array.open];
  expect([array.open, open(' ['), open('{"a":'), open('1'), open('},"x'), open('y"'), open(']'), open(' \n')]).toEqual([
    0,
    [0, 0],
    [0, 5],
    [0, 6],
    [1, 2],
    [0, 4],
    [1, 0],
    [0, 0],
  ]);
});

describe('a broken array', () => {
  test.each([
    ['the text is not a JSON array at 0', ''],
    ['the text is not a JSON array at 3', ' \n '],
    ['the text is not a JSON array at 1', ' {"a":1}'],
    ['the text ends within the array at 1', '['],
    ['the text ends within the array at 8', '[{"a":1}'],
    ['the text ends within the array at 9', '[{"a":1},'],
    ['the text ends within the array at 6', '["abc]'],
    ['an element is missing at 1', '[,1]'],
    ['an element is missing at 3', '[1,]'],
    ['an element is missing at 4', '[1, ,2]'],
    ['there is text behind the array at 4', '[1] ]'],
    ['there is text behind the array at 2', '[][]'],
  ])('is told by what and where: %s', (expected, text) => {
    expect(fault(text)).toBe(expected);
    expect(fault(...text)).toBe(expected);
  });
});

describe('fields of a JSON row', () => {
  const position = (key: string) => ({ a: 0, b: 1, c: 2 })[key];
  const read = (text: string) => jsonFields(text, position, 3);

  test.each([
    ['in any order', '{"c":"3","a":"1","b":"2"}', ['1', '2', '3']],
    ['absent, which are empty', '{"b":"2"}', ['', '2', '']],
    ['null, which are empty', '{"a":null,"b":"2","c":null}', ['', '2', '']],
    ['none', '{}', ['', '', '']],
    ['text with escapes', '{"a":"\\u00e9\\n\\"","b":"\\ud83e\\uddc0","c":""}', ['é\n"', '🧀', '']],
  ])('are taken as they are: %s', (_, text, fields) => {
    expect(read(text)).toEqual({ fields });
  });

  test('keep every digit of a number as it was written', () => {
    expect(read('{"a":0.10000000000000000001,"b":-0,"c":12345678901234567890}')).toEqual({
      fields: ['0.10000000000000000001', '-0', '12345678901234567890'],
    });
    expect(read('{"a":1e999,"b":2.50,"c":1E-7}')).toEqual({ fields: ['1e999', '2.50', '1E-7'] });
  });

  test.each(['true', 'false', '[]', '["x"]', '[1]', '{}', '{"a":1}'])('that hold %s are no text of a cell', (value) => {
    expect(read(`{"a":${value}}`)).toEqual({ fields: ['\u0000', '', ''] });
  });

  test.each(['', 'nope', '{"a":1', '{"a":1}}', '{"a":NaN}', "{'a':1}", '{"a":1,}', '{"a":01}'])(
    'are none in what is no JSON: %s',
    (text) => {
      expect(read(text)).toBeUndefined();
    },
  );

  test.each(['1', '"x"', 'null', 'true', '[]', '[{"a":1}]'])('are none in what is no object: %s', (text) => {
    expect(read(text)).toBeUndefined();
  });

  test('are none where a key is no column, which is named', () => {
    expect(read('{"a":1,"d":2,"e":3}')).toEqual({ unknown: 'd' });
    expect(jsonFields('{"__proto__":{"a":1}}', () => undefined, 3)).toEqual({ unknown: '__proto__' });
  });

  test('are none where a second key names the same column, which is named', () => {
    const inAnyCase = (key: string) => ({ a: 0 })[key.toLowerCase()];
    expect(jsonFields('{"a":1,"A":2}', inAnyCase, 1)).toEqual({ repeated: 'A' });
  });

  test('are none in a row that is nested deeper than can be read', () => {
    expect(read(`{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`)).toBeUndefined();
  });

  test('are none in a row that is longer than a row can be, and it is not even parsed', () => {
    const before = performance.now();
    expect(read(`{"a":[${'1,'.repeat(5_000_000)}1]}`)).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test('hold the last of a key that stands twice', () => {
    expect(read('{"a":"1","a":"2"}')).toEqual({ fields: ['2', '', ''] });
  });
});
