import { DescribeDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import { unpackAll } from '../../shared/domain/packing';
import { arrived, askParquet, bytesOf } from './lake';
import { type Body, bodiesOf } from './rows';
import { Broken, type Check, same, until, type Walk } from './walk';

/** What Firehose takes on top of the time for which it gathers. */
const DELIVERY_S = 120;
/** Longer than this is worth a word. */
const USUAL_S = 60;

/** What must arrive in the lake, by reading the objects themselves. */
export const LAKE_CHECKS: readonly Check[] = [
  {
    title: 'kept rows land as Parquet: all of them, and decimals, nulls and times exact',
    async run(walk) {
      const main = acceptedId(walk, walk.rows.main.what);
      const cells: unknown[] = [];
      await Promise.all(
        ['transactions', 'events'].map(async (dataset) => {
          const kept = wantedOf(walk, (body) => (body.path.startsWith(`/${dataset}`) ? body.kept : 0));
          await gather(walk, `landing/${dataset}`, `landing-${dataset}`, kept, async (key) => {
            cells.push(...(await askParquet(walk, key, linesOf(dataset, main))).map(([row]) => row));
            const counts = await askParquet(walk, key, 'select batch_id, count(*)::integer from parquet group by 1');
            return counts.map(([id, rows]) => [String(id), Number(rows)]);
          });
        }),
      );
      same('rows in Parquet', cells.sort(), walk.rows.lines.map(asParquet).sort());
      return undefined;
    },
  },
  {
    title: 'what came is in raw/, as it came',
    async run(walk) {
      const main = acceptedId(walk, walk.rows.main.what);
      const texts: string[] = [];
      const received = wantedOf(walk, (body) => body.received);
      await gather(walk, 'raw', 'raw', received, async (key) => {
        const chunks = [...unpackAll(await bytesOf(walk, key))];
        texts.push(...chunks.filter(({ batch_id }) => batch_id === main).map(({ text }) => text.trimEnd()));
        return chunks.map(({ batch_id, rows }) => [batch_id, rows]);
      });
      const [, ...rows] = walk.rows.main.bytes.toString().trimEnd().split('\n');
      same('rows of the chunk', [...new Set(texts)], [rows.join('\n')]);
      return undefined;
    },
  },
];

/**
 * Looks into each object of a zone once, until every batch is there with all its rows or Firehose's time is over.
 * @param count rows by batch id in an object; a batch may be delivered twice
 */
async function gather(
  walk: Walk,
  zone: string,
  delivery: string,
  wanted: ReadonlyMap<string, number>,
  count: (key: string) => Promise<readonly (readonly [batch: string, rows: number])[]>,
): Promise<void> {
  const seen = new Set<string>();
  const found = new Map<string, number>();
  const lacking = () => [...wanted].filter(([id, rows]) => (found.get(id) ?? 0) < rows);
  const seconds = await patience(walk, `${walk.stage.stack}-${delivery}`);
  try {
    await until(walk, `all rows in ${zone}/`, seconds, async () => {
      for (const key of await arrived(walk, zone)) {
        if (seen.has(key)) continue;
        seen.add(key);
        for (const [id, rows] of await count(key)) found.set(id, (found.get(id) ?? 0) + rows);
      }
      return lacking().length === 0 || undefined;
    });
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    const late = lacking().map(([id, rows]) => `${id} has ${found.get(id) ?? 0} of ${rows}`);
    throw new Broken(`${error.message}: ${late.join(', ')}; they may still arrive. ${await failures(walk, zone)}`);
  }
}

/** What Firehose could not deliver, in its own words; and what it does at the very first. */
async function failures(walk: Walk, zone: string): Promise<string> {
  for (const kind of ['format-conversion-failed', 'processing-failed']) {
    const [key] = await arrived(walk, `failed/${zone}/${kind}`);
    if (key === undefined) continue;
    const [line] = (await bytesOf(walk, key)).toString().split('\n');
    const { rawData: _, ...why } = JSON.parse(line!) as Record<string, unknown>;
    return `Firehose says in ${key}: ${JSON.stringify(why).slice(0, 500)}`;
  }
  if (zone === 'raw') return 'A delivery stream that was only just made begins with what comes then: try once more.';
  return `Nothing is under failed/${zone}/.`;
}

/** Rows that must be found, by batch id, of the bodies that were accepted. */
const wantedOf = ({ rows, found }: Walk, count: (body: Body) => number): ReadonlyMap<string, number> =>
  new Map(
    bodiesOf(rows).flatMap((body) => {
      const id = found.batches.get(body.what);
      return id === undefined ? [] : [[id, count(body)] as const];
    }),
  );

function acceptedId({ found }: Walk, what: string): string {
  const id = found.batches.get(what);
  if (id === undefined) throw new Broken('no rows were accepted');
  return id;
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
    if (gathers > USUAL_S) walk.say(`${name} gathers for ${gathers} s on this stage: waiting`);
    return gathers + DELIVERY_S;
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return DELIVERY_S;
  }
}

/** A query for the cells of a batch's rows as text, with their types; once where a row was delivered twice. */
function linesOf(dataset: string, batch: string): string {
  if (dataset !== 'transactions') return "select '' from parquet where false";
  const columns = ['stock_code', 'description', 'quantity', 'invoice_date', 'unit_price', 'customer_id', 'country'];
  const cells = columns.map((name) => `coalesce(typeof(${name}) || ' ' || ${name}::varchar, 'null')`);
  return `select distinct concat_ws(' | ', ${cells}) from parquet where batch_id = '${batch}'`;
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
