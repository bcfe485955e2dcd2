import { type Attributes, itemBytes, readUnits, writeUnits } from './units';

/** What a table was asked for. */
export interface TableUse {
  reads: number;
  readUnits: number;
  writes: number;
  writeUnits: number;
  refused: number;
}

interface Stored {
  /** As JSON, so that a large table takes little memory. */
  readonly json: string;
  readonly bytes: number;
}

/** What the adapters send, of all that DynamoDB takes. */
export interface Request {
  readonly Item?: Attributes;
  readonly Key?: Attributes;
  readonly ConditionExpression?: string;
  readonly KeyConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Attributes;
}

/** What the index of what is unfinished has of an item, its keys among it (resources/tables.yml). */
const INDEXED = ['batch_id', 'entry', 'unfinished', 'arrived_at', 'body', 'loud_until', 'received_at', 'untold_at'];

/** An item of the index; undefined when it is not in it. */
const indexed = (item: Attributes | undefined): Attributes | undefined =>
  item?.unfinished && item.arrived_at
    ? Object.fromEntries(INDEXED.filter((name) => item[name]).map((name) => [name, item[name]!]))
    : undefined;

/** Write units of the index: none where nothing changes that it has. */
function indexUnits(before: Attributes | undefined, after: Attributes | undefined): number {
  if (JSON.stringify(before) === JSON.stringify(after)) return 0;
  return writeUnits(before ? itemBytes(before) : 0, after ? itemBytes(after) : 0);
}

const plain = (item: Attributes, name: string): string => item[name]?.S ?? item[name]?.N ?? '';

/** A table in memory that counts units as DynamoDB bills them, and keeps conditions as the adapters write them. */
export class FakeTable {
  readonly use: TableUse = { reads: 0, readUnits: 0, writes: 0, writeUnits: 0, refused: 0 };
  private readonly partitions = new Map<string, Map<string, Stored>>();

  constructor(
    private readonly partitionKey: string,
    private readonly sortKey: string,
  ) {}

  get(key: Attributes): Attributes | undefined {
    const stored = this.find(key);
    this.read(stored?.bytes ?? 0);
    return stored && JSON.parse(stored.json);
  }

  /** Items of a partition by sort key, all or from one to another: the adapters' queries have no other condition. */
  query({ KeyConditionExpression, ExpressionAttributeValues }: Request): Attributes[] {
    const [, name, from, to] = /^\w+ = (:\w+)(?: AND \w+ BETWEEN (:\w+) AND (:\w+))?$/.exec(KeyConditionExpression!)!;
    const value = (of: string) => plain(ExpressionAttributeValues!, of);
    const partition = this.partitions.get(value(name!));
    const within = from === undefined ? () => true : (key: string) => key >= value(from) && key <= value(to!);
    const found = [...(partition ?? [])]
      .filter(([key]) => within(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, stored]) => stored);
    this.read(found.reduce((sum, { bytes }) => sum + bytes, 0));
    return found.map(({ json }) => JSON.parse(json));
  }

  /** False when the condition does not hold, which costs as much as a write. */
  put(request: Request): boolean {
    return this.write(request.Item!, request.Item!, request);
  }

  /** Sets one attribute, `SET name = :value`, or takes some out, `REMOVE one, other`. */
  update(request: Request): boolean {
    const [, name, value, gone = ''] = /^(?:SET (\w+) = (:\w+)|REMOVE ([\w, ]+))$/.exec(request.UpdateExpression!)!;
    const before = this.find(request.Key!);
    const item = before ? JSON.parse(before.json) : { ...request.Key! };
    if (name) item[name] = request.ExpressionAttributeValues![value!]!;
    for (const taken of gone.split(', ')) delete item[taken];
    return this.write(request.Key!, item, request);
  }

  private write(key: Attributes, item: Attributes, request: Request): boolean {
    const before = this.find(key);
    const bytes = itemBytes(item);
    const holds = this.holds(request, before);
    this.use.writes++;
    this.use.writeUnits += holds ? writeUnits(before?.bytes ?? 0, bytes) : writeUnits(before?.bytes ?? 0, 0);
    if (holds) this.use.writeUnits += indexUnits(indexed(before && JSON.parse(before.json)), indexed(item));
    if (!holds) {
      this.use.refused++;
      return false;
    }
    const partition = this.partitions.get(plain(key, this.partitionKey)) ?? new Map<string, Stored>();
    this.partitions.set(plain(key, this.partitionKey), partition);
    partition.set(plain(key, this.sortKey), { json: JSON.stringify(item), bytes });
    return true;
  }

  private holds(request: Request, before: Stored | undefined): boolean {
    if (request.ConditionExpression === undefined) return true;
    const stored: Attributes = before ? JSON.parse(before.json) : {};
    const isTrue = (condition: string): boolean => {
      const test = /^(attribute_exists|attribute_not_exists)\((#?\w+)\)$/.exec(condition);
      if (test)
        return (
          (stored[request.ExpressionAttributeNames?.[test[2]!] ?? test[2]!] !== undefined) ===
          (test[1] === 'attribute_exists')
        );
      const compared = /^(\w+) (=|<=) (:\w+)$/.exec(condition);
      if (!compared) throw new Error(`a condition of a new kind: ${condition}`);
      const [is, wanted] = [plain(stored, compared[1]!), plain(request.ExpressionAttributeValues!, compared[3]!)];
      return compared[2] === '=' ? is === wanted : is <= wanted;
    };
    return request.ConditionExpression.split(' OR ').some((all) => all.split(' AND ').every(isTrue));
  }

  private find(key: Attributes): Stored | undefined {
    return this.partitions.get(plain(key, this.partitionKey))?.get(plain(key, this.sortKey));
  }

  private read(bytes: number): void {
    this.use.reads++;
    this.use.readUnits += readUnits(bytes);
  }
}
