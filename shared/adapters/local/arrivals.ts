import { type Arrival, arrivalEntryKey, arrivalKey, isUnfinished, SENDER_ENTRY } from '../../domain/arrival';
import type { Arrivals, Backlog, Senders } from '../../pipeline/ports';
import type { Database } from './database';

const ONE = 'select body from batches where batch_id = ? and entry = ?';
const ALL = 'select body from batches where batch_id = ? and entry glob ?';
const UNFINISHED = `select body from batches where batch_id glob 'arrival#*' and entry glob 'version#*'
  and json_extract(body, '$.state') in ('reading', 'waiting', 'running', 'claiming')`;
const OF_RUN = `select body from batches where batch_id glob 'arrival#*' and entry glob 'version#*'
  and json_extract(body, '$.run_id') = ?`;
const PUT = `insert into batches (batch_id, entry, body) values (?, ?, ?)
  on conflict (batch_id, entry) do update set body = excluded.body`;

/** Arrivals and who announced them, keyed as in the Batches table. */
export class ArrivalTable implements Arrivals, Backlog {
  constructor(private readonly database: Database) {}

  async claim(arrival: Arrival, now: string): Promise<Arrival> {
    return this.database.transaction(() => {
      const known = this.find(arrival);
      if (!known) return this.put(arrival);
      const free = known.lease.until <= now || known.lease.holder === arrival.lease.holder;
      return isUnfinished(known) && free ? this.put({ ...known, lease: arrival.lease }) : known;
    });
  }

  async note(arrival: Arrival): Promise<void> {
    this.put(arrival);
  }

  async of(key: string): Promise<Arrival[]> {
    return this.read(ALL, arrivalKey(key), arrivalEntryKey('*')).sort((a, b) => (a.arrived_at < b.arrived_at ? 1 : -1));
  }

  async ofRun(run_id: string): Promise<Arrival | undefined> {
    return this.read(OF_RUN, run_id)[0];
  }

  async unfinished(): Promise<Arrival[]> {
    return this.read(UNFINISHED);
  }

  /** Who asked to put a file, as the port has it. */
  readonly senders: Senders = {
    announce: async (key, sent_by) =>
      void this.database.run(PUT, arrivalKey(key), SENDER_ENTRY, JSON.stringify({ key, sent_by })),
    find: async (key) => {
      const row = this.database.get<{ body: string }>(ONE, arrivalKey(key), SENDER_ENTRY);
      return row && (JSON.parse(row.body) as { sent_by: string }).sent_by;
    },
  };

  private find({ key, version }: Arrival): Arrival | undefined {
    return this.read(ONE, arrivalKey(key), arrivalEntryKey(version))[0];
  }

  private read(sql: string, ...values: string[]): Arrival[] {
    return this.database.all<{ body: string }>(sql, ...values).map(({ body }) => JSON.parse(body));
  }

  private put(arrival: Arrival): Arrival {
    this.database.run(PUT, arrivalKey(arrival.key), arrivalEntryKey(arrival.version), JSON.stringify(arrival));
    return arrival;
  }
}
