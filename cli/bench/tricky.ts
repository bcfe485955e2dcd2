import { isDeepStrictEqual } from 'node:util';
import type { Reader, Reading } from './readers';

/** An input that shops send, and what a reader has to make of it. */
export interface Case {
  readonly name: string;
  readonly text: string;
  readonly passes: (reading: Reading) => boolean;
}

const fieldsAre = (reading: Reading, ...expected: string[][]) =>
  reading.fault === undefined &&
  isDeepStrictEqual(
    reading.rows.map(({ fields }) => [...fields]),
    expected,
  );

export const CASES: readonly Case[] = [
  {
    name: 'ragged rows told, neighbours whole',
    text: 'a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n',
    passes: (reading) => fieldsAre(reading, ['1', '2', '3'], ['4', '5'], ['6', '7', '8', '9'], ['10', '11', '12']),
  },
  {
    name: 'quote in the middle of a field',
    text: 'a,b,c\n1,5" pipe,x\n2,6" rim,y\n',
    passes: (reading) => fieldsAre(reading, ['1', '5" pipe', 'x'], ['2', '6" rim', 'y']),
  },
  {
    name: 'line feed in quotes, file with CRLF',
    text: 'a,b\r\n1,"x\ny"\r\n2,z\r\n',
    passes: (reading) => fieldsAre(reading, ['1', 'x\ny'], ['2', 'z']),
  },
  {
    name: 'original text of a row',
    text: 'a,b\n1, "x ""y""" \n2,"z"\n3,w\n',
    passes: ({ rows }) =>
      isDeepStrictEqual(
        rows.map((row) => row.text),
        ['1, "x ""y""" ', '2,"z"', '3,w'],
      ),
  },
  {
    name: 'line that a row starts in',
    text: 'a,b\n1,"x\ny"\n\n2,z\n',
    passes: ({ rows }) =>
      isDeepStrictEqual(
        rows.map(({ line }) => line),
        [2, 5],
      ),
  },
  {
    name: 'line of a quote that is never closed',
    text: 'a,b\n1,x\n2,"never\n3,y\n4,z\n',
    passes: ({ fault }) => fault?.line === 3,
  },
];

/** Whether a reader passes a case; one that throws does not. */
export function judge(reader: Reader, { text, passes }: Case): boolean {
  try {
    return passes(reader.read(text));
  } catch {
    return false;
  }
}
