import { dynamoCustomers } from '../../../shared/adapters/aws/customers';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, noPause } from './fake';

const entry = (i: number) => ({
  customer_id: '17850',
  invoice_no: `${536365 + i}`,
  invoice_date: '2010-12-01T08:26:00Z',
  country: 'France',
});

describe('the Customers table', () => {
  test('gets 25 entries a call, and again what it left unprocessed', async () => {
    const client = fakeClient(({ input }, nth) => {
      const requests = input.RequestItems.customers!;
      return nth === 1 ? { UnprocessedItems: { customers: requests.slice(-2) } } : {};
    });
    const { waits, pause } = noPause();
    await dynamoCustomers(client, 'customers', pause).put(Array.from({ length: 60 }, (_, i) => entry(i)));
    expect(client.sent.map(({ input }) => input.RequestItems.customers!.length).sort((a, b) => b - a)).toEqual([
      25, 25, 10, 2,
    ]);
    expect(waits).toEqual([1]);
    const keys = client.sent.flatMap(({ input }) =>
      input.RequestItems.customers!.map((r) => r.PutRequest.Item.invoice_no!.S),
    );
    expect(new Set(keys).size).toBe(60);
  });

  test('that processes nothing is unavailable', async () => {
    const client = fakeClient(({ input }) => ({ UnprocessedItems: input.RequestItems }));
    await expect(dynamoCustomers(client, 'customers', noPause().pause).put([entry(1)])).rejects.toThrow(Unavailable);
    expect(client.sent).toHaveLength(8);
  });

  test('gets an entry once that is given twice, since a call with a key twice is refused', async () => {
    const client = fakeClient(() => ({}));
    await dynamoCustomers(client, 'customers').put([entry(1), entry(1)]);
    expect(client.sent[0]!.input.RequestItems.customers).toHaveLength(1);
  });

  test('answers a page of the invoices behind the one named', async () => {
    const item = {
      customer_id: { S: '17850' },
      invoice_no: { S: '9' },
      invoice_date: { S: '2010-12-01T08:26:00Z' },
      country: { S: 'France' },
    };
    const client = fakeClient(() => ({ Items: [item] }));
    const customers = dynamoCustomers(client, 'customers');
    expect(await customers.invoices('17850', { limit: 10, after: '8' })).toEqual([{ ...entry(0), invoice_no: '9' }]);
    await customers.invoices('17850', { limit: 5 });
    const [behind, first] = client.sent.map(({ input }) => input);
    expect(behind).toMatchObject({ Limit: 10, KeyConditionExpression: 'customer_id = :id AND invoice_no > :after' });
    expect(behind!.ExpressionAttributeValues).toEqual({ ':id': { S: '17850' }, ':after': { S: '8' } });
    expect(first).toMatchObject({ Limit: 5, KeyConditionExpression: 'customer_id = :id' });
  });
});
