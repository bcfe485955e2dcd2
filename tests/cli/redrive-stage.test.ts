import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { main } from '../../cli/redrive';

/* What the stack says, as the packaged template has it, and tables in the place of a stage's. */
const OUTPUTS: Readonly<Record<string, string>> = {
  ApiUrl: 'https://api.example',
  TokenEndpoint: 'https://sign-in.example/oauth2/token',
  UserPoolId: 'pool',
  PeopleClientId: 'people',
  StreamName: 'eco-chunks',
  InvoicesTableName: 'eco-invoices',
  CustomersTableName: 'eco-customers',
  BatchesTableName: 'eco-batches',
  LiveTableName: 'eco-live',
  LakeBucket: 'eco-lake',
  AlarmTopicArn: 'arn:aws:sns:eu-west-1:123456789012:eco-alarms',
  Landing: 'firehose',
  LandingDeliveryPrefix: 'eco-landing',
  RedriveQueueUrl: 'https://queue.example/eco-redrives',
};

let server: Server;
let said: string[];
/** What was asked of the tables: the action and the table. */
let asked: [string, string][];
let outputs: Readonly<Record<string, string>>;
let refusal: string | undefined;
const before = { ...process.env };

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const target = request.headers['x-amz-target'];
    if (target === undefined) {
      const members = Object.entries(outputs).map(
        ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
      );
      return response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(
          `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>ecomflow-dev</StackName><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
        );
    }
    const { TableName } = JSON.parse(Buffer.concat(pieces).toString()) as { TableName: string };
    asked.push([String(target).split('.')[1]!, TableName]);
    const body = refusal ? { __type: `com.amazon.coral.service#${refusal}`, message: 'User x may not' } : { Items: [] };
    return response
      .writeHead(refusal ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' })
      .end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
});
afterAll(async () => {
  process.env = before;
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});
beforeEach(() => {
  said = [];
  asked = [];
  outputs = OUTPUTS;
  refusal = undefined;
  jest.spyOn(console, 'error').mockImplementation((...parts) => void said.push(parts.join(' ')));
});
afterEach(() => jest.restoreAllMocks());

const redrive = (...what: string[]) => main(['--stage', 'dev', '--region', 'eu-west-1', ...what]);
const BATCH = '0a'.repeat(16);

test('a stage is worked on by what its stack says', async () => {
  expect(await redrive('--batch', BATCH)).toBe(1);
  expect(said).toEqual(['There is no such batch.']);
  expect(asked).toEqual([['Query', 'eco-batches']]);
  expect(process.env.LANDING).toBe('firehose');
});

test('a stage that has nothing of a reason is done at once', async () => {
  expect(await redrive('--reason', 'missing')).toBe(0);
  expect(said).toEqual(['No batch has such rows.']);
  expect(new Set(asked.map(([, table]) => table))).toEqual(new Set(['eco-batches']));
});

test.each(['Landing', 'LandingDeliveryPrefix', 'RedriveQueueUrl'])(
  'a stack of an older version, without %s, is to be deployed first',
  async (output) => {
    outputs = Object.fromEntries(Object.entries(OUTPUTS).filter(([name]) => name !== output));
    expect(await redrive('--batch', BATCH)).toBe(1);
    expect(said).toEqual([`Stack ecomflow-dev does not say ${output}: deploy this version of ecomflow first.`]);
    expect(asked).toEqual([]);
  },
);

test.each(['AccessDeniedException', 'ExpiredTokenException'])(
  'rights that are missing (%s) are said in words',
  async (name) => {
    refusal = name;
    expect(await redrive('--batch', BATCH)).toBe(1);
    expect(said.join('\n')).toContain(`${name}: User x may not`);
    expect(said.join('\n')).toContain('run the same command again');
    expect(said.join('\n')).not.toContain('    at ');
  },
);
