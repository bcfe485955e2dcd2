import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, SQSEvent } from 'aws-lambda';
import { handler as redrive } from '../../functions/redrive/handler';
import type { LocalWorld } from '../../shared/adapters/local';
import { balanceOf } from '../../shared/domain/ledger';
import { counted, figure } from '../../shared/domain/mails/words';
import { rejectedTotal } from '../../shared/domain/outcome';
import { Unavailable } from '../../shared/pipeline/ports';
import { inOneLine } from './persist';

/** Milliseconds. */
const EVERY = { poll: 1000, pause: 5000 };
/** An invocation's time on AWS: what is not through by then is ordered anew. */
const INVOCATION_MS = 15 * 60_000;
/** A defect that repeats: the platform would put the message aside after so many tries. */
const MOST_TRIES = 10;

/** What works off the redrives that were asked for. */
export interface OrdersAtWork {
  /** Resolves when the chunk in hand is through. */
  stop(): Promise<void>;
}

type World = Pick<LocalWorld, 'orders' | 'batches'>;

/** Does for orders what SQS does: hands them one by one to the function, until told to stop. One is kept until it is done. */
export function startOrders(world: World, work: typeof redrive = redrive, every = EVERY): OrdersAtWork {
  const stopping = new AbortController();
  const { signal } = stopping;
  const pause = (milliseconds: number) => sleep(milliseconds, undefined, { signal }).catch(() => undefined); // woken to stop
  const context = (): Context => {
    const end = Date.now() + INVOCATION_MS;
    return { getRemainingTimeInMillis: () => (signal.aborted ? 0 : end - Date.now()) } as Context;
  };

  /** Hands the oldest order over; what is put meanwhile comes behind it. */
  const workOne = async (tries: number): Promise<'done' | 'none' | 'again'> => {
    const next = world.orders.take();
    if (!next) return 'none';
    const { id, order } = next;
    try {
      const record = { messageId: String(id), body: JSON.stringify(order) };
      await work({ Records: [record] } as unknown as SQSEvent, context());
    } catch (error) {
      const passing = error instanceof Unavailable;
      console.error(passing ? `redrive: ${inOneLine(error)}` : error);
      if (passing || tries < MOST_TRIES) return 'again';
      console.error(
        `redrive: of ${order.batch_id} is given up after ${tries} tries. Ask for it again when it is mended.`,
      );
    }
    world.orders.done(id);
    await tell(order.batch_id, world);
    return 'done';
  };

  const run = async () => {
    for (let tries = 1; !signal.aborted; ) {
      const came = await workOne(tries).catch((error): 'again' => {
        console.error(error instanceof Unavailable ? `redrive: ${inOneLine(error)}` : error);
        return 'again';
      });
      tries = came === 'again' ? tries + 1 : 1;
      if (came !== 'done') await pause(came === 'none' ? every.poll : every.pause);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function tell(batch_id: string, { batches }: World): Promise<void> {
  const found = await batches.find(batch_id);
  if (!found) return console.error(`redrive: there is no batch ${batch_id}`);
  const { kept, duplicate, rejected } = balanceOf(found);
  const refused = figure(rejectedTotal({ rejected }));
  console.error(
    `redrive: ${batch_id} has ${counted(kept, 'row')} kept, ${figure(duplicate)} duplicate, ${refused} rejected`,
  );
}
