import type { Mail, Told } from '../alert';
import { datasets } from '../dataset';
import type { BatchHead, ChunkEntry } from '../ledger';
import { accountedFor, addCounts, type Counts, rejectedTotal } from '../outcome';
import {
  batchLink,
  byName,
  counted,
  duration,
  figure,
  type Letterhead,
  MOST_LISTED,
  mailOf,
  moment,
  more,
  plain,
  statusCommand,
  subjectOf,
  wrapped,
} from './words';

/** What there is to tell of a batch. */
export interface News extends Counts {
  readonly batch_id: string;
  readonly received_at: string;
  readonly sent_by: string;
  /** The file that it is, or is a part of: its hash, its key in the inbox where it came from there, its parts. */
  readonly file?: { readonly hash?: string; readonly key?: string; readonly part: number; readonly parts: number };
  /** When the last chunk was cleaned. */
  readonly through_at: string;
  /** Whether something was told of it before: the counts are what has changed since. */
  readonly again: boolean;
  /** Counts as they are now, which the next news are counted from. */
  readonly now: Counts;
}

/** What a balanced batch has beyond what was told of it; undefined when that is nothing. */
export function newsOf(
  { batch_id, received_at, sent_by, file, origin }: BatchHead,
  entries: readonly ChunkEntry[],
  now: Counts,
  told: Told | undefined,
): News | undefined {
  const change = told ? since(now, told) : now;
  if (told && change.kept === 0 && change.duplicate === 0 && Object.values(change.rejected).every((n) => n === 0))
    return undefined;
  return {
    batch_id,
    received_at,
    sent_by,
    ...((file ?? origin) && {
      file: {
        part: 1,
        parts: 1,
        ...file,
        ...(origin && { key: origin.key }),
      },
    }),
    through_at: lastOf([received_at, ...entries.map(({ cleaned_at }) => cleaned_at)]),
    again: told !== undefined,
    ...change,
    now: { kept: now.kept, duplicate: now.duplicate, rejected: now.rejected },
  };
}

const lastOf = (times: readonly string[]): string => times.toSorted().at(-1)!;

function since(now: Counts, then: Counts): Counts {
  const reasons = new Set([...Object.keys(now.rejected), ...Object.keys(then.rejected)]);
  const rejected = [...reasons]
    .sort()
    .map((reason) => [reason, (now.rejected[reason] ?? 0) - (then.rejected[reason] ?? 0)]);
  return {
    kept: now.kept - then.kept,
    duplicate: now.duplicate - then.duplicate,
    rejected: Object.fromEntries(rejected),
  };
}

/** A batch, or the parts of one file, in a digest. */
interface Item extends Omit<News, 'now' | 'batch_id' | 'file'> {
  readonly batches: readonly string[];
  readonly file?: News['file'];
}

/** The digest of a data set: what is through since the one before. At least one piece of news. */
export function arrivedMail(dataset: string, news: readonly News[], from: Letterhead): Mail {
  const items = itemsOf(news);
  const fresh = items.filter(({ again }) => !again);
  const again = items.filter((item) => item.again);
  const sum = addCounts(news);
  const rows = addCounts(news.filter((one) => !one.again));
  const refused = rejectedTotal(sum);
  const what = [
    fresh.length > 0 ? `${counted(accountedFor(rows), 'row')} in ${thing(fresh)}` : '',
    again.length > 0 ? `${thing(again)} redriven` : '',
  ].filter((said) => said !== '');
  const figures = `: ${signed(sum.kept, fresh)} kept, ${signed(sum.duplicate, fresh)} dup, ${signed(refused, fresh)} rejected`;
  return mailOf(
    {
      kind: 'arrived',
      severity: 'info',
      dataset,
      subject: subjectOf(from, dataset, what.join(', '), '', figures),
    },
    news.map(({ batch_id, now }) => JSON.stringify([batch_id, now])),
    [
      [`${plain(dataset, 40)}: ${what.join(', ')}.`, ...countLines(sum, fresh.length === 0)],
      ...items.slice(0, MOST_LISTED).map((item) => itemLines(item, from)),
      more([], Math.max(0, items.length - MOST_LISTED)).map((line) => `  ${line}`),
      storeLines(dataset, sum.kept),
      ...(rejectedTotal(rows) > 0
        ? [['The refused rows, with reason and text:', `  ${batchLink(from, firstRefused(news))}/rejected`]]
        : []),
    ],
  );
}

/** Where everything is a change, it has its sign. */
const signed = (n: number, fresh: readonly unknown[]): string => (fresh.length > 0 ? figure(n) : change(n));
const change = (n: number): string => `${n > 0 ? '+' : ''}${figure(n)}`;

const firstRefused = (news: readonly News[]): string => (news.find((one) => rejectedTotal(one) > 0) as News).batch_id;

function thing(items: readonly Item[]): string {
  const files = items.filter(({ file }) => file).length;
  const batches = items.length - files;
  const said = [files > 0 ? counted(files, 'file') : '', batches > 0 ? counted(batches, 'batch', 'batches') : ''];
  return said.filter((one) => one !== '').join(' and ');
}

/** The news of one file together, changes apart from what is new; in the order in which they came. */
function itemsOf(news: readonly News[]): Item[] {
  const inOrder = news.toSorted((a, b) => (a.received_at < b.received_at ? -1 : 1));
  const groups = Map.groupBy(inOrder, ({ again, file, batch_id }) => `${again} ${file?.hash ?? file?.key ?? batch_id}`);
  return [...groups.values()].map((some) => ({
    ...some[0]!,
    ...addCounts(some),
    batches: some.map(({ batch_id }) => batch_id),
    through_at: lastOf(some.map(({ through_at }) => through_at)),
  }));
}

function itemLines(item: Item, from: Letterhead): string[] {
  const { file, batches, again, received_at, through_at, sent_by } = item;
  const first = batches[0]!;
  const rows = again ? 'redriven' : counted(accountedFor(item), 'row');
  const name = file?.key ?? (file?.hash ? `file ${file.hash.slice(0, 12)}` : `batch ${first}`);
  const parts = file && file.parts > 1 ? ` (${figure(batches.length)} of ${figure(file.parts)} parts)` : '';
  const took = again ? '' : `, through in ${duration(received_at, through_at)}`;
  return [
    `  ${plain(name)}${parts}`,
    ...countLines(item, again, `    ${rows}: `, '    '),
    `    from ${plain(sent_by, 40)}, ${moment(received_at)}${took}`,
    `    ${batchLink(from, first)}`,
    `    ${statusCommand(from, file?.hash ?? first)}`,
  ];
}

/** What became of rows, or what has changed in that. */
function countLines(counts: Counts, isChange: boolean, begin = '', indent = ''): string[] {
  const n = isChange ? change : figure;
  const reasons = byName(counts.rejected);
  return [
    `${begin}${n(counts.kept)} kept, ${n(counts.duplicate)} duplicate, ${n(rejectedTotal(counts))} rejected`,
    ...(reasons === '' ? [] : wrapped(`rejected: ${reasons}`, indent)),
  ];
}

const plural = (n: number, one: string): string => (Math.abs(n) === 1 ? one : `${one}s`);

/** What the rows mean for the stores. */
function storeLines(dataset: string, kept: number): string[] {
  const isClaimed = datasets.get(dataset)?.contract.claim !== undefined;
  return [
    `Landing:    ${change(kept)} ${plural(kept, 'row')}`,
    ...(isClaimed ? [`Invoices:   ${change(kept)} ${plural(kept, 'line')}`] : []),
    'Warehouse:  takes them up with its next load (the nightly run)',
  ];
}
