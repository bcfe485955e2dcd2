import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** A deployed stage, as its stack says. */
export interface Stage {
  readonly name: string;
  readonly region: string;
  readonly stack: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Where the API answers, without a slash at the end. */
  readonly api: string;
  /** Where machines get their tokens. */
  readonly tokens: string;
  /** Whether an emulator answers in the place of AWS. */
  readonly emulated: boolean;
}

/** There is no such stage, or it is too old; the message says which. */
export class NoStage extends Error {
  override readonly name = 'NoStage';
}

/** Outputs that the smoke test goes by. */
const NEEDED = [
  'ApiUrl',
  'TokenEndpoint',
  'UserPoolId',
  'PeopleClientId',
  'StreamName',
  'InvoicesTableName',
  'CustomersTableName',
  'BatchesTableName',
  'LakeBucket',
  'AlarmTopicArn',
];

/** Finds a stage by its stack. @throws NoStage */
export async function findStage(name: string, region: string): Promise<Stage> {
  const stack = `ecomflow-${name}`;
  const outputs = await outputsOf(stack, region);
  const missing = NEEDED.filter((output) => !outputs[output]);
  if (missing.length > 0)
    throw new NoStage(`Stack ${stack} does not say ${missing.join(', ')}: deploy this version of ecomflow first.`);
  const emulator = process.env.AWS_ENDPOINT_URL;
  return {
    name,
    region,
    stack,
    outputs,
    // An emulator has no host name for each API and user pool.
    api: emulator ? `${emulator}/_aws/execute-api/${apiId(outputs.ApiUrl!)}/$default` : outputs.ApiUrl!,
    tokens: emulator ? `${emulator}/oauth2/token` : outputs.TokenEndpoint!,
    emulated: emulator !== undefined,
  };
}

const apiId = (url: string) => new URL(url).hostname.split('.')[0];

async function outputsOf(stack: string, region: string): Promise<Record<string, string>> {
  try {
    const { Stacks } = await new CloudFormationClient({ region }).send(new DescribeStacksCommand({ StackName: stack }));
    return Object.fromEntries(
      (Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey!, OutputValue ?? '']),
    );
  } catch (cause) {
    const { name, message } = cause as Error;
    if (/does not exist/.test(message))
      throw new NoStage(`There is no stack ${stack} in ${region}: deploy it, or say with --region where it is.`, {
        cause,
      });
    const why =
      name === 'CredentialsProviderError'
        ? `there are no AWS credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY): ${message}`
        : message;
    throw new NoStage(`Stack ${stack} in ${region} cannot be asked: ${why}.`, { cause });
  }
}
