import type { Json, Package, Resource } from './packaged';

/** One action on one resource, as `action on ARN`. */
export type Grant = `${string} on ${string}`;

const PSEUDO: Record<string, string> = {
  'AWS::AccountId': '123456789012',
  'AWS::Region': 'eu-central-1',
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

const arn = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`;

/** ARNs of the types that policies name. */
const ARNS: Record<string, (properties: Json) => string> = {
  'AWS::DynamoDB::Table': ({ TableName }) => arn('dynamodb', `table/${TableName}`),
  'AWS::Kinesis::Stream': ({ Name }) => arn('kinesis', `stream/${Name}`),
  'AWS::KinesisFirehose::DeliveryStream': ({ DeliveryStreamName }) =>
    arn('firehose', `deliverystream/${DeliveryStreamName}`),
  'AWS::Logs::LogGroup': ({ LogGroupName }) => arn('logs', `log-group:${LogGroupName}:*`),
  'AWS::Glue::Job': ({ Name }) => arn('glue', `job/${Name}`),
  'AWS::S3::Bucket': ({ BucketName }) => `arn:aws:s3:::${BucketName}`,
};

/** A template's value with its functions worked out, as far as policies and environments use them. */
export function resolved({ template }: Package, value: Json): Json {
  const named = (id: string): string => {
    if (id in PSEUDO) return PSEUDO[id]!;
    if (!template.Resources[id]) throw new Error(`the template has no ${id}`);
    return id;
  };
  const attribute = (id: string, name: string): string => {
    const { Type, Properties } = template.Resources[named(id)]!;
    return name === 'Arn' && ARNS[Type] ? ARNS[Type](Properties) : `${id}.${name}`;
  };
  const work = (part: Json): Json => {
    if (Array.isArray(part)) return part.map(work);
    if (part === null || typeof part !== 'object') return part;
    if ('Ref' in part) return named(part.Ref);
    if ('Fn::GetAtt' in part) return attribute(...(part['Fn::GetAtt'] as [string, string]));
    if ('Fn::Join' in part) return work(part['Fn::Join'][1]).join(part['Fn::Join'][0]);
    if ('Fn::Sub' in part) {
      return part['Fn::Sub'].replace(/\$\{([\w:]+)(?:\.([\w.]+))?\}/g, (_: string, id: string, name?: string) =>
        name ? attribute(id, name) : named(id),
      );
    }
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, work(inner)]));
  };
  return work(value);
}

const list = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** What a role allows, action by action and resource by resource. */
export const grantsOf = (stage: Package, role: Resource): Grant[] =>
  role.Properties.Policies.flatMap(({ PolicyDocument }: Json) =>
    PolicyDocument.Statement.filter(({ Effect }: Json) => Effect === 'Allow').flatMap(({ Action, Resource }: Json) =>
      list<string>(Action).flatMap((action) =>
        list<Json>(Resource).map((resource): Grant => `${action} on ${resolved(stage, resource)}`),
      ),
    ),
  );
