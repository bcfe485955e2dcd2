import { type Column, type Contract, decimalShape, type Rule } from './contract';

/*
 * What a contract is to others: a type to TypeScript, columns to the Glue catalog, a schema to the API's document.
 */

/** A JSON Schema (draft 2020-12, which OpenAPI 3.1 has). */
export type Schema = Readonly<Record<string, unknown>>;

/** A column as the Glue catalog has it. */
export interface GlueColumn {
  readonly Name: string;
  readonly Type: string;
  readonly Comment: string;
}

/** The name of a row's type: a row of `transactions` is a Transaction. */
export const typeName = ({ name }: Pick<Contract, 'name'>): string =>
  name.replace(/s$/, '').replace(/(?:^|_)([a-z0-9])/g, (_, first: string) => first.toUpperCase());

const LINE_WIDTH = 120;

/** A cleaned row as a TypeScript interface: decimals and timestamps are canonical text. */
export function typeScriptType(contract: Contract): string {
  const members = contract.columns.map((column) => {
    const alternatives = [...typesOf(column), ...(column.nullable ? ['null'] : [])];
    const line = `  readonly ${column.name}: ${alternatives.join(' | ')};`;
    const member =
      line.length > LINE_WIDTH
        ? `  readonly ${column.name}:${alternatives.map((one) => `\n    | ${one}`).join('')};`
        : line;
    return `  /** ${commented(column.description + noteOn(column))}. */\n${member}\n`;
  });
  return `/** ${commented(`A cleaned row of ${contract.name}, version ${contract.version}: ${contract.grain}`)}. */
export interface ${typeName(contract)} {
${members.join('')}}
`;
}

function typesOf({ type, enum: values }: Column): string[] {
  if (values) return values.map((value) => `'${value.replace(/[\\']/g, '\\$&')}'`);
  return [type === 'int' ? 'number' : 'string'];
}

function noteOn({ type }: Column): string {
  if (type === 'int') return '; a whole number of 32 bits';
  if (type === 'timestamp') return '; ISO 8601, UTC';
  return type === 'string' ? '' : `; ${type} as text, without trailing zeros`;
}

const commented = (text: string) => text.replaceAll('*/', '*\\/');

/** A TypeScript module with the types of all contracts. */
export const typesModule = (contracts: readonly Contract[]): string =>
  `// Written by \`npm run contracts\` from the contracts beside it; a test holds it to them.

${contracts.map(typeScriptType).join('\n')}`;

/** The columns of a data set's table in the lake: a contract's types have Hive's spelling. */
export const glueColumns = ({ columns }: Contract): GlueColumn[] => [
  ...columns.map(({ name, type, description }) => ({ Name: name, Type: type, Comment: description })),
  { Name: 'line_id', Type: 'string', Comment: 'Identity of the row, 32 hex digits' },
  { Name: 'batch_id', Type: 'string', Comment: 'Batch that brought it' },
];

/** What is refused, in the order in which it is looked for, in words. */
export const refusals = ({ reject }: Contract): { readonly reason: string; readonly when: string }[] =>
  reject.map((rule) => ({ reason: rule.reason, when: `${rule.column} ${inWords(rule)}` }));

function inWords(rule: Rule): string {
  if (rule.startsWith !== undefined) return `starts with ${rule.startsWith}, in upper or lower case`;
  if (rule.matches !== undefined) return `matches ${rule.matches}`;
  if (rule.lessThan !== undefined) return `is less than ${rule.lessThan}`;
  if (rule.lessThanOrEqual !== undefined) return `is ${rule.lessThanOrEqual} or less`;
  return `is none of ${rule.notIn === 'enum' ? 'its known values' : rule.notIn!.join(', ')}`;
}

/**
 * A contract's rows as JSON schemas. `input` is a row as it may be sent: what fits it can be read (a rule may still
 * refuse it). `row` is a cleaned row as answers have it: decimals as text, timestamps in ISO 8601.
 */
export function jsonSchema(contract: Contract): { readonly input: Schema; readonly row: Schema } {
  const { columns, grain } = contract;
  const properties = (of: (column: Column) => Schema) =>
    Object.fromEntries(columns.map((column) => [column.name, of(column)]));
  return {
    input: {
      type: 'object',
      description: `A row to send: ${grain}. Keys are compared without case, space and underscore; a key that is no column is refused. An empty text is the same as null, and text is trimmed.`,
      properties: properties((column) => inputOf(column, contract.timezone ?? 'UTC')),
      required: columns.filter((column) => !isOptional(column)).map(({ name }) => name),
    },
    row: {
      type: 'object',
      description: `A cleaned row: ${grain}.`,
      properties: properties(rowOf),
      // A row that came before its contract grew has none of the later columns.
      required: columns.filter(({ name }) => contract.identity.includes(name)).map(({ name }) => name),
    },
  };
}

const isOptional = ({ nullable, default: value }: Column) => nullable === true || value !== undefined;

function inputOf(column: Column, timezone: string): Schema {
  const { type, pattern, note, ...limits } = readable(column, timezone);
  const optional = isOptional(column);
  const spellings = column.from.length > 0 ? ` Also taken as ${column.from.join(', ')}.` : '';
  return {
    type: optional ? [...type, 'null'] : type.length === 1 ? type[0] : type,
    description: `${column.description}.${note}${spellings}`,
    pattern: optional ? `^\\s*$|${pattern}` : pattern,
    ...limits,
    ...(column.default !== undefined && { default: column.default }),
  };
}

/** What the parser of a column's type reads; numbers keep their digits, so text columns take them too. */
function readable(column: Column, timezone: string) {
  const { type, maxLength, formats } = column;
  if (type === 'string') {
    const note = column.enum ? ` One of ${column.enum.join(', ')}.` : '';
    return { type: ['string', 'number'], pattern: '\\S', note, maxLength };
  }
  if (type === 'int') {
    const [minimum, maximum] = [-2147483648, 2147483647];
    const note = ' A whole number of 32 bits.';
    return { type: ['integer', 'string'], pattern: '^\\s*[+-]?\\d{1,18}(\\.0+)?\\s*$', note, minimum, maximum };
  }
  if (type === 'timestamp') {
    const note = ` Written as ${formats!.join(', or ')}; ${timezone} where no zone is named.`;
    return { type: ['string'], pattern: '\\d', note };
  }
  const { precision, scale } = decimalShape(type);
  const whole = precision - scale;
  return {
    type: ['string', 'number'],
    pattern: `^\\s*[+-]?(?=\\.?\\d)0*\\d{0,${whole}}(\\.\\d{0,${scale}}0*)?\\s*$`,
    note: ` Plain notation without exponent, at most ${whole} digits before the point and ${scale} behind it; nothing is rounded.`,
    exclusiveMinimum: -(10 ** whole),
    exclusiveMaximum: 10 ** whole,
  };
}

function rowOf(column: Column): Schema {
  const { type, ...limits } = cleaned(column);
  const { nullable, description, enum: values } = column;
  return {
    type: nullable ? [type, 'null'] : type,
    description: `${description}.`,
    ...limits,
    ...(values && { enum: nullable ? [...values, null] : values }),
  };
}

function cleaned({ type, maxLength }: Column) {
  if (type === 'string') return { type, minLength: 1, maxLength };
  if (type === 'int') return { type: 'integer', format: 'int32', minimum: -2147483648, maximum: 2147483647 };
  if (type === 'timestamp') return { type: 'string', format: 'date-time' };
  const { precision, scale } = decimalShape(type);
  const whole = precision - scale;
  const before = whole > 1 ? `(0|[1-9]\\d{0,${whole - 1}})` : whole === 1 ? '\\d' : '0';
  const behind = scale > 0 ? `(\\.\\d{0,${scale - 1}}[1-9])?` : '';
  return { type: 'string', pattern: `^-?${before}${behind}$` };
}
