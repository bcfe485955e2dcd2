import { reportKey } from '../../shared/domain/lake';
import { counted, figure } from '../../shared/domain/mails/words';
import type { Difference, Store } from '../../shared/domain/reconcile';
import type { ReconcileReport } from '../../shared/pipeline/reconcile';

const MOST_BATCHES = 20;
const MOST_LINES = 10;

/** A recount for people. `where`: the options by which commands name the place. */
export function inWords(report: ReconcileReport, where: string): string {
  const { since, judged, young, unbalanced, unbalanced_batches, rows, passed_over, unreadable } = report;
  const seconds = Math.round((Date.parse(report.ended_at) - Date.parse(report.began_at)) / 100) / 10;
  const came = since === null ? '' : ` that came since ${since}`;
  const stores = Object.entries(rows).map(([store, n]) => `${store} ${n === null ? 'none' : figure(n)}`);
  const over = Object.entries(passed_over).filter(([, n]) => n > 0);
  return [
    `${counted(judged, 'batch', 'batches')} judged${came}, in ${seconds} s`,
    `rows: ${stores.join(', ')}`,
    ...(young > 0 ? [`${counted(young, 'batch', 'batches')} too young to be judged`] : []),
    ...(unbalanced > 0
      ? [
          `${counted(unbalanced, 'batch', 'batches')} not judged, with rows that have no outcome yet; npm run status says more:`,
          ...unbalanced_batches.slice(0, MOST_LINES).map((batch_id) => `  ${batch_id}`),
        ]
      : []),
    ...over.map(([store, n]) => `${counted(n, 'batch', 'batches')} not judged in ${store}: ${whyOver(store as Store)}`),
    ...unreadable.slice(0, MOST_LINES).map(({ key, reason }) => `cannot be read: ${key} (${reason})`),
    ...differencesInWords(report, where),
    `The report is ${reportKey({ ...report, kind: 'reconcile' })} in the lake.`,
  ].join('\n');
}

const whyOver = (store: Store) =>
  store === 'warehouse' ? 'they had not come to rest when it was loaded last' : 'it keeps nothing for so long';

function differencesInWords({ differences, differences_total: total }: ReconcileReport, where: string): string[] {
  if (total === 0) return ['No difference.'];
  const batches = [...Map.groupBy(differences, ({ batch_id }) => batch_id)];
  const lines = batches
    .slice(0, MOST_BATCHES)
    .flatMap(([batch_id, own]) => [
      `${batch_id ?? 'over all batches'} (${own[0]!.dataset})`,
      ...own.slice(0, MOST_LINES).map((difference) => `  ${inALine(difference)}`),
      ...(own.length > MOST_LINES ? [`  and ${own.length - MOST_LINES} more`] : []),
      ...[...new Set(own.map((difference) => whatToDo(difference, where)))].map((advice) => `  -> ${advice}`),
    ]);
  const more = batches.length - MOST_BATCHES;
  const first = differences.length < total ? `, of which these are the first ${figure(differences.length)},` : '';
  return [
    `${counted(total, 'difference')}${first} in ${counted(batches.length, 'batch', 'batches')}:`,
    ...lines,
    ...(more > 0 ? [`and ${counted(more, 'batch', 'batches')} more: the report has them`] : []),
  ];
}

function inALine({ store, kind, expected, found, detail }: Difference): string {
  const thing = store === 'raw' ? 'chunk' : 'row';
  const what = {
    missing: () => `${counted(expected - found, thing)} of ${figure(expected)} missing`,
    doubled: () => `${counted(found - expected, thing)} more than once`,
    unknown: () => `${counted(found - expected, thing)} that the ledger does not count`,
  }[kind]();
  return `${store}: ${what}${detail === undefined ? '' : ` (${detail})`}`;
}

/** What mends a difference. */
function whatToDo({ store, kind, batch_id }: Difference, where: string): string {
  if (kind === 'unknown')
    return 'the ledger has lost something, or a store was written by something else: docs/reconcile.md';
  if (store === 'warehouse')
    return kind === 'missing'
      ? 'have the warehouse look at all of landing again: docs/reconcile.md'
      : 'the warehouse was written by something else than a load: docs/reconcile.md';
  if (kind === 'doubled')
    return store === 'landing'
      ? 'nothing: curated and the warehouse take out what landed twice'
      : `docs/reconcile.md says how to look at what is doubled in ${store}`;
  if (store === 'raw')
    return 'nothing, while the other stores are whole: the batch cannot be replayed any more, so keep its original';
  return `npm run redrive -- --batch ${batch_id} --replay${where}`;
}
