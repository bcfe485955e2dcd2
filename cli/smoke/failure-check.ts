import { setTimeout as sleep } from 'node:timers/promises';
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
import { type Chunk, NotAChunk, unpack } from '../../shared/domain/packing';
import { bytesOf, keysUnder, remove } from './lake';
import { Broken, type Check, same, until, type Walk } from './walk';

/** How long Lambda may take to begin reading a stream, and to give a record up. */
const MAPPING_S = 300;
/** How long it may take to let go of it. */
const DELETED_S = 180;
/** An emulator delivers at once or never. */
const EMULATED_S = 10;

/**
 * clean's own mapping gives a record up after six hours. So a copy of clean that lacks its settings, and therefore
 * cannot even start, gets a mapping that gives up at once: the same code, role, stream and destination. It reads what
 * came since the run began, other senders' chunks among it; clean's own reading goes on untouched.
 */
export const FAILURE_CHECK: Check = {
  title: 'a chunk that is given up is kept whole in the failure destination',
  beyondEmulators: 'no emulator delivers to the failure destination of a stream',
  async run(walk) {
    const lambda = new LambdaClient({ region: walk.stage.region });
    const FunctionName = await brokenCopy(walk, lambda);
    const chunk_id = await cleanedChunk(walk);
    const UUID = await mapping(walk, lambda, FunctionName);
    const prefix = `aws/lambda/${UUID}/`;
    walk.leaves('objects in the failure destination', async () => {
      for (const key of await keysUnder(walk, prefix)) await remove(walk, key);
    });
    walk.leaves(`event source mapping ${UUID}`, () => removeMapping(lambda, UUID));
    let last = '';
    const seen = new Set<string>();
    const seconds = walk.stage.emulated ? EMULATED_S : MAPPING_S;
    const kept = await until(walk, 'the chunk in the failure destination', seconds, async () => {
      const { State, LastProcessingResult } = await lambda.send(new GetEventSourceMappingCommand({ UUID }));
      last = `the mapping is ${State}, and says ${LastProcessingResult}`;
      for (const key of await keysUnder(walk, prefix)) {
        if (seen.has(key)) continue;
        seen.add(key);
        const ours = chunksIn(await bytesOf(walk, key)).find((chunk) => chunk.chunk_id === chunk_id);
        if (ours) return ours;
      }
      return undefined;
    }).catch((error) => {
      throw error instanceof Broken ? new Broken(`${error.message}; ${last}`) : error;
    });
    const [, ...rows] = walk.rows.main.bytes.toString().trimEnd().split('\n');
    same('the chunk kept', kept.text.trimEnd().split('\n'), rows);
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
  const code = await fetch(address, { signal: AbortSignal.any([walk.signal, AbortSignal.timeout(60_000)]) });
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

/** The id of the main body's chunk. */
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

/** Lets a function read what came since the run began, once. The mapping's UUID. */
async function mapping({ stage, began }: Walk, lambda: LambdaClient, FunctionName: string): Promise<string> {
  // HTTP/1.1, as everywhere: the SDK's default for Kinesis is HTTP/2.
  const kinesis = new KinesisClient({ region: stage.region, requestHandler: new NodeHttpHandler() });
  const asked = new DescribeStreamSummaryCommand({ StreamName: stage.outputs.StreamName });
  const arn = (await kinesis.send(asked)).StreamDescriptionSummary!.StreamARN!;
  const { UUID } = await lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName,
      EventSourceArn: arn,
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: new Date(began.getTime() - 1000), // clocks by the second
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: `arn:${arn.split(':')[1]}:s3:::${stage.outputs.LakeBucket}` } },
    }),
  );
  return UUID!;
}

/** Deletes a mapping and waits until Lambda has let go of it; one that is just changing cannot be deleted yet. */
async function removeMapping(lambda: LambdaClient, UUID: string): Promise<void> {
  const deadline = Date.now() + DELETED_S * 1000;
  for (let asked = false; Date.now() < deadline; await sleep(2000)) {
    try {
      if (!asked) await lambda.send(new DeleteEventSourceMappingCommand({ UUID }));
      asked = true;
      await lambda.send(new GetEventSourceMappingCommand({ UUID }));
    } catch (error) {
      const { name } = error as Error;
      if (name === 'ResourceNotFoundException') return;
      if (name !== 'ResourceInUseException') throw error;
    }
  }
  throw new Broken(`it is still there after ${DELETED_S} s`);
}

/** The chunks in what Lambda writes: the whole event, as JSON or as JSON in a string. */
function chunksIn(object: Buffer): Chunk[] {
  const { payload } = JSON.parse(object.toString()) as { payload: unknown };
  const event = (typeof payload === 'string' ? JSON.parse(payload) : payload) as {
    Records: { kinesis: { data: string } }[];
  };
  return event.Records.flatMap(({ kinesis }) => {
    try {
      return [unpack(Buffer.from(kinesis.data, 'base64'))];
    } catch (error) {
      if (error instanceof NotAChunk) return []; // somebody else's
      throw error;
    }
  });
}
