import { isDeepStrictEqual } from 'node:util';
import type { Input } from './input';
import { compare } from './lab';
import type { Tally } from './peer';
import { READERS, UDSV } from './readers';
import { median, number, type Report } from './report';
import { CORE, PEER, PEER_WITH_IDENTITY, type Run, reading, UDSV_WHOLE } from './subjects';
import { CASES, judge } from './tricky';

const ROUNDS = 5;

/** The cleaning core against what one would take instead, and the CSV readers against each other. */
export async function core(bundle: string, input: Input): Promise<Report> {
  const subjects = [CORE, PEER, PEER_WITH_IDENTITY, UDSV_WHOLE, ...READERS.map(({ name }) => reading(name))];
  const runs = await compare(bundle, input.path, subjects, ROUNDS);
  const of = (name: string): readonly Run[] => runs.get(name)!;
  sameWork(of(CORE)[0]!.result as Tally, of(PEER)[0]!.result as Tally, of(PEER_WITH_IDENTITY)[0]!.result as Tally);

  const seconds = (name: string) => median(of(name).map((run) => run.seconds));
  const speed = (name: string) => input.rows / seconds(name);
  /** How many times as long as `other` a subject takes: the median over rounds, each round by itself. */
  const times = (name: string, other: string) =>
    median(of(name).map((run, round) => run.seconds / of(other)[round]!.seconds));

  const udsv = reading(UDSV.name);
  const figures = {
    rows_per_second: speed(CORE),
    csv_parse_zod_takes_times: times(PEER, CORE),
    csv_parse_zod_sha256_takes_times: times(PEER_WITH_IDENTITY, CORE),
    times_udsv_parsing_only: times(CORE, UDSV_WHOLE),
    times_udsv_in_slices: times(CORE, udsv),
    readers: Object.fromEntries(
      READERS.map((reader) => [
        reader.name,
        {
          rows_per_second: speed(reading(reader.name)),
          fields: of(reading(reader.name))[0]!.result,
          times_udsv: times(reading(reader.name), udsv),
          passes: CASES.filter((tricky) => judge(reader, tricky)).map(({ name }) => name),
        },
      ]),
    ),
    seconds: Object.fromEntries(subjects.map((name) => [name, of(name).map((run) => run.seconds)])),
  };

  return {
    title: 'Cleaning core, one thread',
    limits: [
      { what: 'core', measured: figures.rows_per_second, unit: 'rows/s', bound: 'at least', limit: 250_000 },
      {
        what: 'time of csv-parse and zod, which leave out the identity, to ours',
        measured: figures.csv_parse_zod_takes_times,
        unit: '×',
        bound: 'at least',
        limit: 3,
      },
      {
        what: 'our time to that of uDSV only parsing to strings',
        measured: figures.times_udsv_parsing_only,
        unit: '×',
        bound: 'at most',
        limit: 4,
      },
    ],
    tables: [
      {
        title: `From rows to outcomes (${number(input.rows)} rows, median of ${ROUNDS} rounds)`,
        head: ['', 'rows/s', 'time, ours = 1'],
        rows: [CORE, PEER, PEER_WITH_IDENTITY, UDSV_WHOLE, udsv].map((name) => [
          name === udsv ? 'the same in slices, rows dropped at once' : name,
          number(speed(name)),
          times(name, CORE).toFixed(2),
        ]),
      },
      {
        title: 'CSV readers: fields of every row, and what they make of input that shops send',
        head: ['', 'rows/s', 'time, uDSV = 1', ...CASES.map(({ name }) => name)],
        rows: READERS.map((reader) => [
          reader.name,
          number(speed(reading(reader.name))),
          times(reading(reader.name), udsv).toFixed(2),
          ...CASES.map((tricky) => (judge(reader, tricky) ? 'yes' : 'no')),
        ]),
      },
    ],
    notes: [
      'The core unpacks stream records, checks and decompresses them, reads rows with their lines and original text, cleans them, makes SHA-256 identities and finds duplicates within a chunk.',
      'csv-parse and zod get the same slices as text, already unpacked, keep neither line nor original text, and come to the same outcomes: this is checked on every run.',
      'uDSV gets the whole file and answers all rows, as one calls it. In slices whose rows are dropped at once it is faster: no memory to manage, and fields that nobody looks at stay views of the text.',
      `Every subject has a process of its own with its input in memory; they run in turn, garbage is collected before each run, the first round warms up. Ratios are medians of the rounds' own ratios.`,
      'Each reader is given the best chance: its own way to tell rows, lines and faults, once as it comes and once with all that makes it tell more.',
    ],
    figures,
  };
}

/** @throws Error when the peers do not come to the core's outcomes: they would not do the same work */
function sameWork(ours: Tally, without: Tally, withIdentity: Tally): void {
  const plain = { ...ours, accepted: ours.accepted + ours.repeated, repeated: 0 };
  for (const [expected, found] of [
    [ours, withIdentity],
    [plain, without],
  ]) {
    if (!isDeepStrictEqual(sorted(expected!), sorted(found!))) {
      throw new Error(`other outcomes than ours: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
    }
  }
}

const sorted = ({ rejected, ...tally }: Tally) => ({ ...tally, rejected: Object.entries(rejected).sort() });
