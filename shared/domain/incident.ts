import type { Incident } from './alert';
import { datasets } from './dataset';
import type { Balance, BatchHead } from './ledger';
import { rejectedTotal } from './outcome';

/*
 * What objects of the lake, runs of Spark and batches tell when something went wrong. Papers in the lake were written
 * by us, by Lambda or by Firehose, perhaps by an older version: what cannot be read in one is left out of the incident.
 */

/** What an object tells by its place. */
export interface Source {
  readonly kind: Incident['kind'];
  readonly dataset?: string;
  /** Whether the object is a paper that says more. */
  readonly hasNote: boolean;
  /** The record that failed, where there is one beside the paper. */
  readonly record?: string;
  readonly facts: Facts;
}
type Facts = Readonly<Record<string, unknown>>;

const knownDataset = (name: string | undefined) => (name !== undefined && datasets.has(name) ? { dataset: name } : {});

/** What an object tells; undefined for one that tells nothing. */
export function sourceOf(key: string): Source | undefined {
  const facts = { object: key };
  const [zone, kind, third] = key.split('/');
  const isNamed = !key.endsWith('/');
  if (zone === 'rejected' && kind === 'files' && key.endsWith('.reason.json'))
    return { kind: 'file_refused', ...knownDataset(third), hasNote: true, facts };
  if (zone === 'reports' && (kind === 'nightly' || kind === 'reconcile') && key.endsWith('.json'))
    return { kind, hasNote: true, facts };
  if (zone === 'failed' && (kind === 'landing' || kind === 'raw') && isNamed)
    return {
      kind: 'landing_failed',
      ...(kind === 'landing' && knownDataset(third)),
      hasNote: false,
      facts: { ...facts, zone: kind },
    };
  const isGivenUp = (zone === 'failed' && kind === 'discarded') || (zone === 'aws' && kind === 'lambda');
  if (isGivenUp && isNamed) return { kind: 'chunk_failed', hasNote: true, facts: { ...facts, records: 0 } };
  const [, chunk_id] = /^failed\/([^/]+)\.error\.json$/.exec(key) ?? [];
  if (chunk_id === undefined) return undefined;
  return { kind: 'chunk_failed', hasNote: true, record: `failed/${chunk_id}.chunk`, facts: { ...facts, chunk_id } };
}

/** The incident of an object whose paper was read; undefined when it went well and there is nothing to tell. */
export function incidentOf(
  { kind, dataset, facts }: Source,
  at: string,
  note: string | undefined,
  record: { readonly dataset?: string; readonly batch_id?: string; readonly rows?: number } = {},
): Incident | undefined {
  const said = objectOf(note);
  const id = `${kind} ${facts.object}`;
  const known = record.dataset ?? dataset;
  const incident = { id, kind, at, ...knownDataset(known) };
  if (kind === 'reconcile') {
    const found = countsOf(said);
    return found && found.differences === 0 ? undefined : { ...incident, facts: { ...facts, ...found } };
  }
  if (kind === 'nightly') return { ...incident, facts: { ...facts, ...nightOf(said) } };
  if (kind === 'file_refused') return { ...incident, facts: { ...facts, ...picked(said, 'key', 'code', 'detail') } };
  if ('records' in facts) return { ...incident, facts: { ...facts, ...givenUp(said) } };
  const { batch_id, rows } = record;
  const { name: error, message } = said;
  return {
    ...incident,
    facts: { ...facts, ...picked({ batch_id, rows, error, message }, 'batch_id', 'rows', 'error', 'message') },
  };
}

/** A paper as an object; nothing of one that is none. */
function objectOf(note: string | undefined): Facts {
  try {
    return factsOf(JSON.parse(note ?? 'null'));
  } catch {
    return {}; // no JSON
  }
}

const factsOf = (value: unknown): Facts => (typeof value === 'object' && value !== null ? (value as Facts) : {});

/** An incident is small. */
const LONGEST_FACT = 1000;
const MOST_NAMES = 20;

/** A paper's count; Number() would call what a hostile paper has in its place. */
const numberOf = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : 0);
const nameOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, LONGEST_FACT) : 'unknown');
/** The first of many numbers by name. */
const someOf = (entries: Iterable<readonly [string, number]>) => Object.fromEntries([...entries].slice(0, MOST_NAMES));

/** Members that are there, no longer than they need to be. */
function picked(from: Facts, ...names: readonly string[]): Facts {
  const found = names.flatMap((name) => {
    const value = from[name];
    if (typeof value === 'number') return [[name, value]];
    return typeof value === 'string' ? [[name, value.slice(0, LONGEST_FACT)]] : [];
  });
  return Object.fromEntries(found);
}

/** Differences, and how many each store has of those that the report names; see ReconcileReport. */
function countsOf({
  differences,
  differences_total,
}: Facts): { differences: number; stores: Record<string, number> } | undefined {
  if (!Array.isArray(differences)) return undefined;
  const stores = new Map<string, number>();
  for (const difference of differences) {
    const store = nameOf(factsOf(difference).store);
    stores.set(store, (stores.get(store) ?? 0) + 1);
  }
  return { differences: Math.max(numberOf(differences_total), differences.length), stores: someOf(stores) };
}

/** What a mail says of a night; see NightReport. */
function nightOf(report: Facts): Facts {
  const loads = Object.entries(factsOf(report.loaded)).map(([dataset, load]) => ({ dataset, load: factsOf(load) }));
  const loaded = loads.map(({ dataset, load }) => [dataset.slice(0, LONGEST_FACT), numberOf(load.added)] as const);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
  return {
    ...picked(report, 'status', 'began_at', 'ended_at'),
    ...picked(factsOf(report.failure), 'step', 'error', 'cause'),
    left: numberOf(factsOf(report.left_over).count),
    unreadable: sum(loads.map(({ load }) => (Array.isArray(load.unreadable) ? load.unreadable.length : 0))),
    added: sum(loaded.map(([, added]) => added)),
    loaded: someOf(loaded),
  };
}

/** What Lambda says of records that it gives up, as it does here too. */
function givenUp(said: Facts): Facts {
  const batch = factsOf(said.KinesisBatchInfo);
  return {
    records: numberOf(batch.batchSize ?? said.batchSize),
    ...picked(factsOf(said.requestContext), 'condition'),
  };
}

/** States of a run of Spark that tell nothing. */
const WELL: ReadonlySet<string> = new Set(['STARTING', 'RUNNING', 'STOPPING', 'SUCCEEDED', 'WAITING']);

/** The incident of a run of Spark that failed. `file`: what the ledger says of its file, where it is known. */
export function runIncident(
  {
    run_id,
    state,
    message,
    at,
  }: { readonly run_id: string; readonly state: string; readonly message?: string; readonly at: string },
  file: Facts & { readonly dataset?: string } = {},
): Incident | undefined {
  if (WELL.has(state)) return undefined;
  const facts = {
    ...picked(file, 'key', 'sent_by'),
    ...picked({ run_id, state, message }, 'run_id', 'state', 'message'),
  };
  return { id: `file_failed ${run_id}`, kind: 'file_failed', at, ...knownDataset(file.dataset), facts };
}

/** What is told of a batch in any case. */
const ofBatch = ({ batch_id, received_at, sent_by, origin }: BatchHead) =>
  picked({ batch_id, received_at, sent_by, key: origin?.key }, 'batch_id', 'received_at', 'sent_by', 'key');

/** The incident of a batch that has not balanced in its time. */
export function unbalanced(head: BatchHead, { status, received, pending, failed }: Balance, at: string): Incident {
  const { batch_id, dataset } = head;
  const facts = { ...ofBatch(head), status, received, pending, failed: failed.length };
  return { id: `unbalanced ${batch_id}`, kind: 'unbalanced', dataset, at, facts };
}

/** The incident of a batch of which more than a share (0 to 1) of the rows was refused; undefined when it was not. */
export function rejectedShare(head: BatchHead, balance: Balance, limit: number, at: string): Incident | undefined {
  const { received, rejected } = balance;
  const share = rejectedTotal(balance) / received;
  if (!(share > limit)) return undefined;
  const { batch_id, dataset } = head;
  const facts = { ...ofBatch(head), received, rejected, share, limit };
  return { id: `rejected_share ${batch_id}`, kind: 'rejected_share', dataset, at, facts };
}
