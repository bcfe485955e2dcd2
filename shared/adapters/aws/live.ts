import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { decodeFigures, encodeFigures } from '../../domain/live';
import { minuteOf, parentOf } from '../../domain/window';
import type { Clock, LiveFigures, Summed } from '../../pipeline/ports';
import { type Item, number, text } from './attributes';
import { reach } from './errors';
import { type Dynamo, expiresAfter, queryPages } from './table';

/** Days after which DynamoDB may forget: a day more than are asked for. */
const KEPT_DAYS = 4;

/*
 * Keys of the Live table: what is of the windows within one stands together (`transactions 2026-03-01T12`, and
 * `transactions ` for days): marks, sums, and pieces by minute. A mark has an item of its own, as small as can be.
 */
const groupOf = (dataset: string, within: string): string => `${dataset} ${within}`;
const markEntry = (at: string): string => `mark ${at}`;
const sumEntry = (at: string): string => `sum ${at}`;
const pieceEntry = (minute: string, chunk_id: string): string => `piece ${minute} ${chunk_id}`;
const atOf = (item: Item): string => text(item.entry)!.split(' ')[1]!;
/** Behind every chunk's id. */
const LAST = '~';

/** Figures of the day in the Live table. Reads are consistent: what is put is there for whoever reads next. */
export function dynamoLive(client: Dynamo, table: string, clock: Clock): LiveFigures {
  const put = (Item: Item) => {
    const command = new PutItemCommand({ TableName: table, Item });
    return reach(`writing ${table}`, () => client.send(command));
  };
  const query = (group: string, from: string, to: string) =>
    queryPages(client, {
      TableName: table,
      KeyConditionExpression: 'figures_of = :group AND entry BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':group': { S: group }, ':from': { S: from }, ':to': { S: to } },
      ConsistentRead: true,
    });
  const expires_at = () => expiresAfter(clock.now(), KEPT_DAYS);

  return {
    async put({ dataset, chunk_id, received_at }, figures) {
      const minute = minuteOf(received_at);
      await put({
        figures_of: { S: groupOf(dataset, parentOf(minute)) },
        entry: { S: pieceEntry(minute, chunk_id) },
        body: { B: encodeFigures(figures) },
        expires_at: expires_at(),
      });
    },

    async touch({ dataset, at }) {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: { figures_of: { S: groupOf(dataset, parentOf(at)) }, entry: { S: markEntry(at) } },
        UpdateExpression: 'ADD touched :one SET expires_at = :then',
        ExpressionAttributeValues: { ':one': { N: '1' }, ':then': expires_at() },
      });
      await reach(`writing ${table}`, () => client.send(update));
    },

    async *pieces(dataset, first, last) {
      const from = pieceEntry(first, '');
      const to = pieceEntry(last, LAST);
      for await (const items of query(groupOf(dataset, parentOf(first)), from, to)) {
        for (const item of items) yield { minute: atOf(item), figures: decodeFigures(item.body!.B!) };
      }
    },

    async marks({ dataset, at }) {
      const marks = new Map<string, number>();
      for await (const items of query(groupOf(dataset, at), markEntry(''), markEntry(LAST))) {
        for (const item of items) marks.set(atOf(item), number(item.touched));
      }
      return marks;
    },

    async sums({ dataset, at }, first, last) {
      const sums = new Map<string, Summed>();
      for await (const items of query(groupOf(dataset, at), sumEntry(first), sumEntry(last))) {
        for (const item of items)
          sums.set(atOf(item), { mark: number(item.touched), figures: decodeFigures(item.body!.B!) });
      }
      return sums;
    },

    async keep({ dataset, at }, { mark, figures }) {
      await put({
        figures_of: { S: groupOf(dataset, parentOf(at)) },
        entry: { S: sumEntry(at) },
        touched: { N: String(mark) },
        body: { B: encodeFigures(figures) },
        expires_at: expires_at(),
      });
    },
  };
}
