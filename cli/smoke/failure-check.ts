import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  DeleteEventSourceMappingCommand,
  DeleteFunctionCommand,
  GetEventSourceMappingCommand,
  GetFunctionCommand,
  LambdaClient,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { chunkEntryKey } from '../../shared/domain/ledger';
import { unpack } from '../../shared/domain/packing';
import { bytesOf, keysUnder, remove } from './lake';
import { Broken, type Check, same, until, type Walk } from './walk';

/** How long Lambda may take to read a stream for the first time, and to give a record up. */
const MAPPING_S = 120;
/** An emulator delivers at once or never. */
const EMULATED_S = 10;

/**
 * clean's own mapping gives a record up after six hours. So a copy of clean that lacks its settings, and therefore
 * cannot even start, gets a mapping that gives up at once: the same code, role, stream and destination. It is shown one
 * record only, the one that was cleaned before.
 */
export const FAILURE_CHECK: Check = {
  title: 'a chunk that is given up is kept whole in the failure destination',
  beyondEmulators: 'no emulator delivers to the failure destination of a stream',
  async run(walk) {
    const lambda = new LambdaClient({ region: walk.stage.region });
    const FunctionName = await brokenCopy(walk, lambda);
    const chunk_id = await cleanedChunk(walk);
    const UUID = await mapping(walk, lambda, FunctionName, chunk_id);
    walk.leaves('objects in the failure destination', async () => {
      for (const key of await keysUnder(walk, `aws/lambda/${UUID}/`)) await remove(walk, key);
    });
    walk.leaves(`event source mapping ${UUID}`, () => lambda.send(new DeleteEventSourceMappingCommand({ UUID })));
    const seconds = walk.stage.emulated ? EMULATED_S : MAPPING_S;
    const key = await until(walk, 'an object in the failure destination', seconds, async () => {
      const { State } = await lambda.send(new GetEventSourceMappingCommand({ UUID }));
      if (State === 'Disabled') throw new Broken('Lambda disabled the mapping');
      return (await keysUnder(walk, `aws/lambda/${UUID}/`))[0];
    });
    const chunk = unpack(recordIn(await bytesOf(walk, key)));
    const [, ...rows] = walk.rows.main.bytes.toString().trimEnd().split('\n');
    same('the chunk kept', [chunk.chunk_id, chunk.text.trimEnd().split('\n')], [chunk_id, rows]);
    return undefined;
  },
};

/** Makes a function of clean's code and role without clean's variables. Its name. */
async function brokenCopy(walk: Walk, lambda: LambdaClient): Promise<string> {
  const clean = await lambda.send(new GetFunctionCommand({ FunctionName: `${walk.stage.stack}-clean` }));
  const { Role, Handler, Runtime, Architectures } = clean.Configuration!;
  const { pathname, search, origin } = new URL(clean.Code!.Location!);
  // An emulator names itself by an address of its own choice.
  const address = new URL(pathname + search, process.env.AWS_ENDPOINT_URL ?? origin);
  const code = await fetch(address, { signal: walk.signal });
  if (!code.ok) throw new Broken(`the code of clean cannot be fetched: ${code.status}`);
  const ZipFile = Buffer.from(await code.arrayBuffer());
  const FunctionName = `${walk.stage.stack}-smoke-${walk.rows.run}`;
  await lambda.send(
    new CreateFunctionCommand({ FunctionName, Role, Handler, Runtime, Architectures, Code: { ZipFile } }),
  );
  walk.leaves(`function ${FunctionName}`, () => lambda.send(new DeleteFunctionCommand({ FunctionName })));
  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: MAPPING_S }, { FunctionName });
  return FunctionName;
}

/** The id of the main body's chunk, which is its partition key. */
async function cleanedChunk({ stage, rows, found }: Walk): Promise<string> {
  const batch_id = found.batches.get(rows.main.what);
  if (batch_id === undefined) throw new Broken('no rows were accepted');
  const { Item } = await new DynamoDBClient({ region: stage.region }).send(
    new GetItemCommand({
      TableName: stage.outputs.BatchesTableName,
      Key: { batch_id: { S: batch_id }, entry: { S: chunkEntryKey(1) } },
    }),
  );
  if (!Item?.chunk_id?.S) throw new Broken(`the ledger has no chunk of batch ${batch_id}`);
  return Item.chunk_id.S;
}

/** Lets a function read the run's one chunk, once. The mapping's UUID. */
async function mapping(
  { stage, began }: Walk,
  lambda: LambdaClient,
  FunctionName: string,
  chunk_id: string,
): Promise<string> {
  const { StreamDescriptionSummary } = await new KinesisClient({
    region: stage.region,
    requestHandler: new NodeHttpHandler(),
  }).send(new DescribeStreamSummaryCommand({ StreamName: stage.outputs.StreamName }));
  const { UUID } = await lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName,
      EventSourceArn: StreamDescriptionSummary!.StreamARN,
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: began,
      BatchSize: 1,
      MaximumRetryAttempts: 0,
      FilterCriteria: { Filters: [{ Pattern: JSON.stringify({ partitionKey: [chunk_id] }) }] },
      DestinationConfig: { OnFailure: { Destination: `arn:aws:s3:::${stage.outputs.LakeBucket}` } },
    }),
  );
  return UUID!;
}

/** The record in what Lambda writes: the whole event, as JSON or as JSON in a string. */
function recordIn(object: Buffer): Buffer {
  const { payload } = JSON.parse(object.toString()) as { payload: unknown };
  const event = (typeof payload === 'string' ? JSON.parse(payload) : payload) as {
    Records: { kinesis: { data: string } }[];
  };
  return Buffer.from(event.Records[0]!.kinesis.data, 'base64');
}
