import { type Incident, type Mail, SEVERITIES, type Severity } from '../alert';
import {
  batchLink,
  byName,
  counted,
  figure,
  type Letterhead,
  labelled,
  MOST_LISTED,
  mailOf,
  moment,
  more,
  plain,
  statusCommand,
  subjectOf,
  wrapped,
} from './words';

type Facts = Incident['facts'];

/** How incidents of a kind are told. */
interface Template {
  severity(facts: Facts): Severity;
  /** Of one: what happened; a name, which is cut first; what is not to be cut. */
  subject(facts: Facts): readonly [what: string, name?: string, end?: string];
  /** Of several. */
  many(n: number): string;
  /** Labels and what they say; what is not known is left out. */
  lines(facts: Facts, from: Letterhead): readonly (readonly [label: string, text: string | undefined])[];
  readonly todo: string;
  /** The command that does it: its name, and its options beside the stage. */
  run?(facts: Facts): readonly [name: string, options?: string];
  /** Of docs/runbook.md. */
  readonly section: string;
}

/** Facts come from papers in the lake: what is not of its type is not known. */
const text = (value: unknown, most = 300): string | undefined =>
  typeof value === 'string' && value !== '' ? plain(value, most).trim() : undefined;
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const shown = (value: unknown): string => figure(number(value));
const percent = (share: unknown): string => `${(number(share) * 100).toFixed(1)} %`;
const counts = (value: unknown): Record<string, number> =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, n]) => [name, number(n)]))
    : {};
/** The last part of a key. */
const nameOf = (key: unknown): string | undefined => text(text(key, 1200)?.split('/').at(-1));
const shortId = (batch_id: unknown) => text(batch_id)?.slice(0, 12);
const failure = (): Severity => 'failure';

const ofBatch = ({ batch_id }: Facts, from: Letterhead): [string, string | undefined][] => {
  const id = text(batch_id);
  if (id === undefined) return [];
  return [
    ['batch', batchLink(from, id)],
    ['command', statusCommand(from, id)],
  ];
};

const TEMPLATES: Readonly<Record<Incident['kind'], Template>> = {
  file_refused: {
    severity: failure,
    subject: ({ key, code }) => ['file refused:', nameOf(key) ?? 'unknown', ` (${text(code, 30) ?? 'no reason'})`],
    many: (n) => `${counted(n, 'file')} refused`,
    lines: ({ key, code, detail, object }) => [
      ['file', text(key)],
      ['reason', text(code)],
      ['detail', text(detail, 500)],
      ['object', text(object)],
    ],
    todo:
      'Nothing of the file is in the stores. Correct what the reason names, and put the file into the inbox again; ' +
      'or tell who sent it.',
    section: 'file-refused',
  },
  file_failed: {
    severity: failure,
    subject: ({ key, run_id, state }) => [
      'Spark gave a file up:',
      nameOf(key) ?? text(run_id) ?? 'unknown',
      ` (${text(state, 20) ?? 'failed'})`,
    ],
    many: (n) => `Spark gave ${counted(n, 'file')} up`,
    lines: ({ key, run_id, state, message, sent_by, batch_id }, from) => [
      ['file', text(key)],
      ['run', text(run_id)],
      ['state', text(state)],
      ['message', text(message, 500)],
      ['from', text(sent_by, 60)],
      ...ofBatch({ batch_id }, from),
    ],
    todo: 'The file lies in the inbox still. Read the log of the run; then put the file there once more, which starts Spark again.',
    section: 'file-failed',
  },
  chunk_failed: {
    severity: failure,
    subject: ({ rows, records, error }) => [
      records === undefined ? 'chunk failed' : `${records ? counted(number(records), 'record') : 'records'} given up`,
      '',
      `${number(rows) > 0 ? `, ${counted(number(rows), 'row')} waiting` : ''}${text(error) ? `: ${text(error, 30)}` : ''}`,
    ],
    many: (n) => `${counted(n, 'chunk')} failed`,
    lines: ({ chunk_id, error, message, rows, records, condition, object, batch_id }, from) => [
      ['chunk', text(chunk_id)],
      ['rows', rows === undefined ? undefined : shown(rows)],
      ['records', records ? shown(records) : undefined], // none is said by what is too large to be looked into
      ['because', text(condition)],
      ['error', text(error)],
      ['message', text(message, 500)],
      ['object', text(object)],
      ...ofBatch({ batch_id }, from),
    ],
    todo:
      'Nothing is lost: what came is kept, and its batch waits for it. Mend what the error names, then send it through ' +
      'again:',
    run: () => ['redrive', '--failed'],
    section: 'chunk-failed',
  },
  landing_failed: {
    severity: failure,
    subject: ({ zone }) => [`rows did not reach ${text(zone, 20) ?? 'the lake'}`],
    many: (n) => `rows did not reach the lake: ${counted(n, 'object')}`,
    lines: ({ zone, object }) => [
      ['zone', text(zone)],
      ['object', text(object)],
    ],
    todo:
      'Nothing is lost: the object holds the rows that Firehose could not write, and why. When that is mended, ' +
      'put them where they belong:',
    run: () => ['redrive', '--failed'],
    section: 'landing-failed',
  },
  unbalanced: {
    severity: failure,
    subject: ({ pending, status, batch_id }) => [
      'batch',
      shortId(batch_id),
      ` not balanced (${text(status, 12) ?? 'unknown'}), ${counted(number(pending), 'row')} pending`,
    ],
    many: (n) => `${counted(n, 'batch', 'batches')} not balanced`,
    lines: ({ status, received, pending, failed, received_at, sent_by, key, batch_id }, from) => [
      ['file', text(key)],
      ['status', text(status)],
      ['rows', `${shown(received)} received, ${shown(pending)} without an outcome`],
      ['failed', number(failed) > 0 ? counted(number(failed), 'chunk') : undefined],
      ['came', text(received_at) && moment(String(received_at))],
      ['from', text(sent_by, 60)],
      ...ofBatch({ batch_id }, from),
    ],
    todo:
      'open: its sender broke off; the same request or file sent again goes on where it stopped. accepted: clean is late ' +
      'or stands still. failed: a chunk of it is in failed/. provisional: its claim goes on or has stopped.',
    section: 'unbalanced',
  },
  rejected_share: {
    severity: () => 'warning',
    subject: ({ rejected, received, share, batch_id }) => [
      'batch',
      shortId(batch_id),
      `: ${percent(share)} refused, ${shown(totalOf(rejected))} of ${counted(number(received), 'row')}`,
    ],
    many: (n) => `too many rows refused in ${counted(n, 'batch', 'batches')}`,
    lines: ({ rejected, received, share, limit, sent_by, key, batch_id }, from) => [
      ['file', text(key)],
      [
        'refused',
        `${shown(totalOf(rejected))} of ${counted(number(received), 'row')}: ${percent(share)}, over ${percent(limit)}`,
      ],
      ['reasons', byName(counts(rejected))],
      ['from', text(sent_by, 60)],
      ...ofBatch({ batch_id }, from),
      ['rows', text(batch_id) && `${batchLink(from, text(batch_id)!)}/rejected`],
    ],
    todo:
      'Look at some of the refused rows. Where the contract is wrong, mend it; where the rows are, ' +
      'tell who sent them, or correct them with --edit. Then:',
    run: ({ batch_id }) => ['redrive', `--batch ${text(batch_id, 40) ?? 'ID'}`],
    section: 'rejected-share',
  },
  nightly: {
    severity: ({ status, left, unreadable }) =>
      status !== 'done' ? 'failure' : number(left) + number(unreadable) > 0 ? 'warning' : 'info',
    subject: ({ status, added, step, left, unreadable }) =>
      status === 'done'
        ? [
            'nightly run done',
            '',
            `, ${counted(number(added), 'row')} added to the warehouse${watchOut(number(left), number(unreadable))}`,
          ]
        : [`nightly run failed at ${text(step, 20) ?? 'an unknown step'}`],
    many: (n) => counted(n, 'nightly run'),
    lines: ({ status, began_at, ended_at, loaded, left, unreadable, step, error, cause, object }) => [
      ['status', text(status) ?? 'unknown'],
      ['began', text(began_at) && moment(String(began_at))],
      ['ended', text(ended_at) && moment(String(ended_at))],
      ['step', text(step)],
      ['error', text(error)],
      ['cause', text(cause, 500)],
      ['warehouse', rowsByName(loaded)],
      ['left over', number(left) > 0 ? `${counted(number(left), 'file')} of the inbox not done` : undefined],
      [
        'unreadable',
        number(unreadable) > 0 ? `${counted(number(unreadable), 'file')} of landing passed over` : undefined,
      ],
      ['report', text(object)],
    ],
    todo: 'If it failed, left files over or passed some over, the next run goes on where this one stopped. To have it now:',
    run: () => ['nightly'],
    section: 'nightly',
  },
  reconcile: {
    severity: failure,
    subject: ({ differences }) => [
      'stores and ledger differ',
      '',
      differences === undefined ? '' : `: ${counted(number(differences), 'difference')}`,
    ],
    many: (n) => `stores and ledger differ: ${counted(n, 'report')}`,
    lines: ({ differences, stores, object }) => [
      ['differences', differences === undefined ? 'unknown' : shown(differences)],
      ['stores', byName(counts(stores)) || undefined],
      ['report', text(object)],
    ],
    todo: 'The report names each batch and store. Look before you do anything; what is missing comes again from raw/:',
    run: () => ['redrive', '--batch ID --replay'],
    section: 'reconcile',
  },
};

const totalOf = (rejected: unknown): number => Object.values(counts(rejected)).reduce((sum, n) => sum + n, 0);

const rowsByName = (loaded: unknown): string | undefined => {
  const said = byName(counts(loaded));
  return said === '' ? undefined : `rows added: ${said}`;
};

const watchOut = (left: number, unreadable: number): string =>
  [left > 0 ? `, ${counted(left, 'file')} left` : '', unreadable > 0 ? `, ${figure(unreadable)} unreadable` : ''].join(
    '',
  );

/** A command on the stage that the mail is from, in a line that can be copied. */
function commandOf(run: readonly [name: string, options?: string] | undefined, { option }: Letterhead): string[] {
  if (!run) return [];
  const options = [option, run[1] ?? ''].filter((each) => each !== '');
  return [`  npm run ${run[0]}${options.length === 0 ? '' : ` -- ${options.join(' ')}`}`];
}

/** One mail for incidents of one kind and data set. At least one. */
export function incidentMail(incidents: readonly Incident[], from: Letterhead): Mail {
  const { kind, dataset, facts } = incidents[0]!;
  const template = TEMPLATES[kind];
  const one = incidents.length === 1;
  const severities = new Set(incidents.map((incident) => template.severity(incident.facts)));
  const severity = SEVERITIES.find((each) => severities.has(each))!;
  const [what, name = '', end = ''] = one ? template.subject(facts) : [template.many(incidents.length)];
  const inOrder = incidents.toSorted((a, b) => (a.at < b.at ? -1 : 1));
  return mailOf(
    { kind, severity, ...(dataset !== undefined && { dataset }), subject: subjectOf(from, dataset, what, name, end) },
    incidents.map(({ id }) => id),
    [
      wrapped(`${dataset === undefined ? '' : `${plain(dataset, 40)}: `}${what}${name && ` ${name}`}${end}.`),
      ...inOrder
        .slice(0, MOST_LISTED)
        .map((incident) => [
          ...labelled('at', moment(incident.at)),
          ...template.lines(incident.facts, from).flatMap(([label, said]) => (said ? labelled(label, said) : [])),
        ]),
      more([], Math.max(0, incidents.length - MOST_LISTED)).map((line) => `  ${line}`),
      severity === 'info'
        ? []
        : [
            'What to do',
            ...wrapped(template.todo, '  '),
            ...commandOf(template.run?.(one ? facts : {}), from),
            `  docs/runbook.md#${template.section}`,
          ],
    ],
  );
}
