import type { RedriveOrder } from '../../domain/redrive';
import type { Orders } from '../../pipeline/ports';
import type { Database } from './database';

/** An order that is to be done. */
export interface OpenOrder {
  readonly id: number;
  readonly order: RedriveOrder;
}

/** Redrives that were asked for, in the order in which they were. One is there until it is done, also after a kill. */
export class OrderTable implements Orders {
  constructor(private readonly database: Database) {}

  async put(order: RedriveOrder): Promise<void> {
    this.database.run('insert into orders (body) values (?)', JSON.stringify(order));
  }

  /** The oldest that is not done. */
  take(): OpenOrder | undefined {
    const row = this.database.get<{ id: number; body: string }>('select id, body from orders order by id limit 1');
    return row && { id: row.id, order: JSON.parse(row.body) as RedriveOrder };
  }

  done(id: number): void {
    this.database.run('delete from orders where id = ?', id);
  }
}
