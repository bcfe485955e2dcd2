/** A column of a Glue table, with Hive's spelling of its type. */
export interface GlueColumn {
  readonly Name: string;
  readonly Type: string;
}

/** How a delivery stream is told to convert. */
interface Conversion {
  readonly InputFormatConfiguration: { readonly Deserializer: unknown };
  readonly OutputFormatConfiguration: { readonly Serializer: unknown };
  readonly SchemaConfiguration: { readonly TableName: { readonly Ref: string } };
}

interface Template {
  readonly Resources: Record<
    string,
    {
      readonly Type: string;
      readonly Properties: {
        readonly DeliveryStreamName?: string;
        readonly ExtendedS3DestinationConfiguration?: { readonly DataFormatConversionConfiguration: Conversion };
        readonly TableInput?: { readonly StorageDescriptor: { readonly Columns: readonly GlueColumn[] } };
      };
    }
  >;
}
type Resources = (sls: { resolveVariable(name: string): Promise<unknown> }) => Promise<Template>;

/** What serverless.yml and a stage file would answer. */
const VARIABLES: Record<string, unknown> = {
  'sls:stage': 'peers',
  'self:custom.name': 'peers',
  'self:custom.stage': { bucket: 'lake', landing: 'firehose', delivery: { megabytes: 128, seconds: 300 } },
};

/** What is deployed for a data set's landing: how Firehose converts, and the columns of its Glue table. */
export async function deployed(dataset: string): Promise<{ conversion: Conversion; columns: readonly GlueColumn[] }> {
  const sls = { resolveVariable: async (name: string) => VARIABLES[name] };
  const landing = await (require('../../../resources/landing.js').resources as Resources)(sls);
  const catalog = await (require('../../../resources/catalog.js').resources as Resources)(sls);
  const stream = Object.values(landing.Resources).find(
    ({ Properties }) => Properties.DeliveryStreamName === `peers-landing-${dataset}`,
  )!;
  const conversion = stream.Properties.ExtendedS3DestinationConfiguration!.DataFormatConversionConfiguration;
  const table = catalog.Resources[conversion.SchemaConfiguration.TableName.Ref]!;
  return { conversion, columns: table.Properties.TableInput!.StorageDescriptor.Columns };
}
