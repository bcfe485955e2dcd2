import type { ChunkStream, Clock } from '../../pipeline/ports';
import type { Database } from './database';

/** A record as a consumer of the embedded log sees it. */
export interface LoggedRecord {
  readonly sequence: number;
  readonly partition_key: string;
  /** Milliseconds since 1970. */
  readonly arrived_at: number;
  readonly data: Uint8Array;
}

/** The embedded log: one shard, records in the order in which they came, consumers with a checkpoint each. */
export class StreamLog implements ChunkStream {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async append(records: Parameters<ChunkStream['append']>[0]): Promise<void> {
    const now = this.clock.now().getTime();
    this.database.transaction(() => {
      for (const { chunk_id, data } of records) {
        this.database.run('insert into stream (partition_key, arrived_at, data) values (?, ?, ?)', chunk_id, now, data);
      }
    });
  }

  /** Up to `most` records behind the consumer's checkpoint, or behind `after` if that is further on. */
  read(consumer: string, most: number, after = 0): LoggedRecord[] {
    const from = Math.max(after, this.checkpoint(consumer));
    return this.database.all(
      'select sequence, partition_key, arrived_at, data from stream where sequence > ? order by sequence limit ?',
      from,
      most,
    );
  }

  /** The last record that the consumer is done with; 0 before the first. */
  checkpoint(consumer: string): number {
    const row = this.database.get<{ sequence: number }>(
      'select sequence from checkpoints where consumer = ?',
      consumer,
    );
    return row?.sequence ?? 0;
  }

  /** Moves the consumer's checkpoint. */
  commit(consumer: string, sequence: number): void {
    this.database.run(
      'insert into checkpoints (consumer, sequence) values (?, ?) on conflict (consumer) do update set sequence = excluded.sequence',
      consumer,
      sequence,
    );
  }

  /** Records that the consumer is not done with. */
  backlog(consumer: string): number {
    const row = this.database.get<{ n: number }>(
      'select count(*) as n from stream where sequence > ?',
      this.checkpoint(consumer),
    );
    return row!.n;
  }

  /** Forgets records that every one of the consumers is done with. */
  trim(consumers: readonly string[]): void {
    this.database.run(
      'delete from stream where sequence <= ?',
      Math.min(...consumers.map((consumer) => this.checkpoint(consumer))),
    );
  }
}
