import type { Dirent } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, SQSEvent } from 'aws-lambda';
import { handler as batch } from '../../functions/batch/handler';
import { handler as claim } from '../../functions/claim/handler';
import * as adapters from '../../shared/adapters/local';
import { versionOf } from '../../shared/adapters/local/inbox';
import { type Arrival, INBOX, isUnfinished } from '../../shared/domain/arrival';
import { type Balance, balanceOf, fileBalance } from '../../shared/domain/ledger';
import { counted, figure } from '../../shared/domain/mails/words';
import { rejectedTotal } from '../../shared/domain/outcome';
import { type Notice, Unavailable } from '../../shared/pipeline/ports';
import { inOneLine } from './persist';

/** Milliseconds. A file that has not changed for `quiet` is whole: copying has pauses of its own. */
const EVERY = { poll: 1000, quiet: 2000 };
/** An invocation's time on AWS: what is not through by then is gone on with by another. */
const INVOCATION_MS = 15 * 60_000;
/** Files that are worked on at the same time. */
const WIDTH = 2;
/** What stands in a name for bytes that are none of UTF-8; no file is found by it. */
const NO_UTF8 = '\ufffd';
/** A defect of ours that repeats on a file; the platform would put its message aside after so many tries. */
const MOST_TRIES = 5;
const PAUSE_MS = 5000;

/** What looks after the inbox. */
export interface InboxWatch {
  /** Resolves when what is in hand is done with. */
  stop(): Promise<void>;
}

/** What a file of the inbox became, when that is known. */
export type OnSettled = (arrival: Arrival, balance: Balance | undefined) => void;

/**
 * Does for a folder what S3, EventBridge and SQS do for a bucket: hands each file that has stopped growing to the batch
 * function, and each batch that Spark is done with to the claim function, until told to stop.
 */
export function startInbox(directory: string, onSettled: OnSettled, every = EVERY): InboxWatch {
  const stopping = new AbortController();
  const watch = new Watch(directory, onSettled, every, stopping.signal);
  const watching = watch.run();
  return {
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

interface Seen {
  readonly version: string;
  readonly since: number;
}

class Watch {
  private readonly seen = new Map<string, Seen>();
  /** Versions that are handled or in hand, by key. */
  private readonly taken = new Map<string, string>();
  private readonly inHand = new Set<Promise<void>>();
  /** Files whose turn is to come. */
  private readonly queue: Notice[] = [];
  /** Batches whose claim is in hand. */
  private readonly claims = new Set<string>();
  private readonly settling = new Map<string, Arrival>();
  private readonly passedOver = new Set<string>();
  private readonly spark = adapters.bulk();
  private tries = new Map<string, number>();
  private begun = false;

  constructor(
    private readonly directory: string,
    private readonly onSettled: OnSettled,
    private readonly every: typeof EVERY,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    while (!this.signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        console.error(error instanceof Unavailable ? `inbox: ${inOneLine(error)}` : error);
      }
      await sleep(this.every.poll, undefined, { signal: this.signal }).catch(() => undefined); // woken to stop
    }
    this.spark.stop();
    await Promise.all(this.inHand);
  }

  private async look(): Promise<void> {
    for (const notice of adapters.later().due()) this.begin(notice);
    for (const notice of await this.wholeFiles()) this.begin(notice);
    await this.lookAtBacklog();
    await this.lookAtLedger();
    this.begun = true;
  }

  /** Files that are new or changed, and have stopped growing. */
  private async wholeFiles(): Promise<Extract<Notice, { key: string }>[]> {
    const found: Extract<Notice, { key: string }>[] = [];
    const now = performance.now();
    for (const { key, version } of await this.files()) {
      if (this.taken.get(key) === version) continue;
      const seen = this.seen.get(key);
      if (seen?.version !== version) this.seen.set(key, { version, since: now });
      else if (now - seen.since >= this.every.quiet && !(await this.isKnown(key, version)))
        found.push({ key, version, sent_by: 'inbox' });
    }
    return found;
  }

  private async files(): Promise<{ key: string; version: string }[]> {
    await mkdir(join(this.directory, INBOX), { recursive: true });
    const found: { key: string; version: string }[] = [];
    const folders = [INBOX];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of await this.entriesOf(folder)) {
        const key = `${folder}/${entry.name}`;
        if (entry.name.startsWith('.')) continue; // what copies files puts them there first
        if (entry.isSymbolicLink()) this.passOver(key, 'is a link: copy the file');
        if (entry.isDirectory()) folders.push(key);
        const facts = entry.isFile() ? await stat(join(this.directory, key)).catch(() => undefined) : undefined;
        if (facts) found.push({ key, version: versionOf(facts) });
        else if (entry.name.includes(NO_UTF8)) this.passOver(key, 'has a name that is not UTF-8: rename it');
      }
    }
    return found;
  }

  /** One folder that cannot be read does not keep the others out. */
  private async entriesOf(folder: string): Promise<Dirent[]> {
    try {
      return await readdir(join(this.directory, folder), { withFileTypes: true });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') this.passOver(folder, `cannot be read: ${message}`); // gone since
      return [];
    }
  }

  private passOver(key: string, why: string): void {
    const said = printable(`inbox: ${key} is passed over: it ${why}.`);
    if (!this.passedOver.has(said)) console.error(said);
    this.passedOver.add(said);
  }

  /** What an earlier start finished is not begun again. */
  private async isKnown(key: string, version: string): Promise<boolean> {
    const known = (await adapters.arrivals().of(key)).find((arrival) => arrival.version === version);
    if (!known || isUnfinished(known)) return false;
    if (known.state !== 'done')
      this.passOver(key, 'is as it was when it was not taken: touch it to have it tried again');
    this.taken.set(key, version);
    return true;
  }

  private begin(notice: Notice): void {
    if ('key' in notice) {
      this.taken.set(notice.key, notice.version ?? ''); // also while it waits, or it would be found again
      if (this.inHand.size >= WIDTH) return void this.queue.push(notice);
    } else if ('batch_id' in notice) this.claims.add(notice.batch_id);
    const work = this.work(notice).finally(() => {
      this.inHand.delete(work);
      if ('batch_id' in notice) this.claims.delete(notice.batch_id);
      const next = this.signal.aborted ? undefined : this.queue.shift();
      if (next) this.begin(next);
    });
    this.inHand.add(work);
  }

  private async work(notice: Notice): Promise<void> {
    const name = 'key' in notice ? notice.key : 'batch_id' in notice ? notice.batch_id : notice.run_id;
    try {
      await ('key' in notice ? batch : claim)(messageOf(notice), this.context());
      this.tries.delete(name);
      if ('key' in notice) await this.noteOutcome(notice);
    } catch (error) {
      const tries = (this.tries.get(name) ?? 0) + 1;
      this.tries.set(name, tries);
      const passing = error instanceof Unavailable;
      console.error(passing ? `inbox: ${inOneLine(error)}` : error);
      if (passing || tries < MOST_TRIES) await adapters.later().again(notice, (PAUSE_MS / 1000) * tries);
      else console.error(`inbox: ${name} is left alone until the next start, after ${tries} tries.`);
    }
  }

  /** Told to stop, work ends behind the part or chunk in hand; the next start goes on with it. */
  private context(): Context {
    const end = Date.now() + INVOCATION_MS;
    return { getRemainingTimeInMillis: () => (this.signal.aborted ? 0 : end - Date.now()) } as Context;
  }

  private async noteOutcome({ key, version }: Extract<Notice, { key: string }>): Promise<void> {
    const arrival = (await adapters.arrivals().of(key)).find((one) => one.version === version);
    if (!arrival) return;
    if (arrival.state === 'refused') this.onSettled(arrival, undefined);
    else this.settling.set(`${key}\n${arrival.version}`, arrival);
  }

  /** What an earlier start left is gone on with, also where the file is gone since. A run of Spark is looked after. */
  private async lookAtBacklog(): Promise<void> {
    for (const arrival of await adapters.backlog().unfinished()) {
      const { key, version, sent_by, state } = arrival;
      if (state === 'running' || state === 'claiming') await this.lookAfterSpark(arrival);
      else if (!this.begun) this.begin({ key, version, sent_by });
    }
  }

  /** A run of Spark ends with a manifest, or without one. */
  private async lookAfterSpark(arrival: Arrival): Promise<void> {
    const { key, version, dataset, batch_id } = arrival;
    if (dataset === undefined || batch_id === undefined) return;
    this.settling.set(`${key}\n${version}`, arrival);
    const running = this.spark.isRunning(batch_id); // asked first: the manifest comes before the run's end
    if ((await adapters.bulkOutput().manifest({ dataset, batch_id })) === undefined) {
      if (!running) await this.afterSpark(arrival);
    } else if (this.claims.size === 0 && !this.tries.has(batch_id)) {
      this.begin({ dataset, batch_id });
    }
  }

  /** Spark ended and said nothing: with an earlier start, which is made good, or by itself. */
  private async afterSpark(arrival: Arrival): Promise<void> {
    const { key, version, sent_by, run_id, batch_id } = arrival;
    if (!this.begun) {
      await adapters.arrivals().note({ ...arrival, state: 'waiting' });
      this.begin({ key, version, sent_by });
    } else if (run_id !== undefined && !this.tries.has(run_id)) {
      this.begin({ run_id, reason: `see ${this.spark.logOf(batch_id!)}` });
    }
  }

  /** Tells of files whose rows have their outcome. */
  private async lookAtLedger(): Promise<void> {
    for (const [name, { key, version }] of this.settling) {
      const arrival = (await adapters.arrivals().of(key)).find((one) => one.version === version)!;
      if (arrival.state === 'refused' || arrival.state === 'failed') {
        this.settling.delete(name);
        this.onSettled(arrival, undefined);
      } else if (arrival.state === 'done') {
        const balance = await balanceOfArrival(arrival);
        if (!balance?.balanced && balance?.status !== 'failed') continue;
        this.settling.delete(name);
        this.onSettled(arrival, balance);
      }
    }
  }
}

async function balanceOfArrival({ file, batch_id }: Arrival): Promise<Balance | undefined> {
  if (file !== undefined) return fileBalance(await adapters.files().batches(file));
  const found = batch_id === undefined ? undefined : await adapters.batches().find(batch_id);
  return found && balanceOf(found);
}

/** A notice as the queue would bring it: the same again has the same id, also after a crash, whoever tells of it. */
function messageOf(notice: Notice): SQSEvent {
  const body = JSON.stringify(notice);
  const messageId = 'key' in notice ? `${notice.key}\n${notice.version}` : body;
  return { Records: [{ messageId, body }] } as unknown as SQSEvent;
}

/** One line on what became of a file, for people. */
export function outcomeOf({ key, refusal, kept_as, broken, engine }: Arrival, balance: Balance | undefined): string {
  if (refusal)
    return printable(`${key}: not taken (${refusal.code}): ${refusal.detail}${kept_as ? ` Kept as ${kept_as}.` : ''}`);
  const counts = balance
    ? [
        `${counted(balance.received, 'row')}: ${figure(balance.kept)} kept`,
        `${figure(balance.duplicate)} duplicate`,
        `${figure(rejectedTotal(balance))} rejected`,
      ].join(', ')
    : 'done';
  const by = engine === 'spark' ? ' (by Spark)' : '';
  return printable(`${key}: ${counts}${by}${broken ? `. It breaks off: ${broken.detail}` : ''}`);
}

/** A name, or what a file holds, gives a terminal no orders. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, '\ufffd');
