import { DescribeDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import { unpackAll } from '../../shared/domain/packing';
import { arrived, askParquet, bytesOf } from './lake';
import { Broken, type Check, same, until, type Walk } from './walk';

/** What Firehose takes on top of the time for which it gathers. */
const DELIVERY_S = 60;

/** What must arrive in the lake, by reading the objects themselves. */
export const LAKE_CHECKS: readonly Check[] = [
  {
    title: 'kept rows land as Parquet: decimals, nulls and times exact',
    async run(walk) {
      const seconds = await patience(walk, `${walk.stage.stack}-landing-transactions`);
      const rows = await firstIn(walk, 'landing/transactions', seconds, async (key) => {
        const found = await askParquet(walk, key, linesOf(walk.rows.main.invoice_no!));
        return found.length > 0 ? found : undefined;
      });
      same('rows in Parquet', rows, walk.rows.lines.map(asParquet));
      return undefined;
    },
  },
  {
    title: 'what came is in raw/, as it came',
    async run(walk) {
      const id = walk.found.batches.get(walk.rows.main.what);
      if (id === undefined) throw new Broken('no rows were accepted');
      const seconds = await patience(walk, `${walk.stage.stack}-raw`);
      const text = await firstIn(walk, 'raw', seconds, async (key) => {
        const chunks = [...unpackAll(await bytesOf(walk, key))];
        return chunks.find(({ batch_id }) => batch_id === id)?.text;
      });
      const [, ...rows] = walk.rows.main.bytes.toString().trimEnd().split('\n');
      same('rows of the chunk', text.trimEnd().split('\n'), rows);
      return undefined;
    },
  },
];

/** The first answer that an object of a zone gives; each object is asked once. */
async function firstIn<T>(
  walk: Walk,
  zone: string,
  seconds: number,
  ask: (key: string) => Promise<T | undefined>,
): Promise<T> {
  const seen = new Set<string>();
  return until(walk, `the rows in ${zone}/`, seconds, async () => {
    for (const key of await arrived(walk, zone)) {
      if (seen.has(key)) continue;
      seen.add(key);
      const answer = await ask(key);
      if (answer !== undefined) return answer;
    }
    return undefined;
  });
}

/** Seconds to wait for a delivery stream; says so when it is long. `landing: direct` has none, and waits for nothing. */
async function patience(walk: Walk, name: string): Promise<number> {
  const client = new FirehoseClient({ region: walk.stage.region });
  try {
    const { DeliveryStreamDescription } = await client.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: name }),
    );
    const [destination] = DeliveryStreamDescription?.Destinations ?? [];
    const gathers = destination?.ExtendedS3DestinationDescription?.BufferingHints?.IntervalInSeconds ?? 300;
    if (gathers > DELIVERY_S) walk.say(`${name} gathers for ${gathers} s on this stage: waiting`);
    return gathers + DELIVERY_S;
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return DELIVERY_S;
  }
}

/** A query for the cells of an invoice's rows as text, with their types. */
function linesOf(invoice_no: string): string {
  const columns = ['stock_code', 'description', 'quantity', 'invoice_date', 'unit_price', 'customer_id', 'country'];
  const cells = columns.map((name) => `coalesce(typeof(${name}) || ' ' || ${name}::varchar, 'null')`);
  return `select concat_ws(' | ', ${cells}) from parquet where invoice_no = '${invoice_no}' order by stock_code`;
}

/** How a line must look in the answer to `linesOf`. */
const asParquet = (line: Walk['rows']['lines'][number]): string =>
  [
    `VARCHAR ${line.stock_code}`,
    line.description === null ? 'null' : `VARCHAR ${line.description}`,
    `INTEGER ${line.quantity}`,
    `TIMESTAMP ${line.invoice_date.replace('T', ' ').replace('Z', '')}`,
    `DECIMAL(12,4) ${line.unit_price}`,
    `VARCHAR ${line.customer_id}`,
    `VARCHAR ${line.country}`,
  ].join(' | ');
