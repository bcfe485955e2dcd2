import { type Fault, faulty } from '../support/faults';
import { drain, type Findings, findings, post, type TestWorld, testWorld } from '../support/world';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const line = (invoice: string, stock: string, quantity: number | string = 1, customer = '17850') =>
  `${invoice},${stock},A thing,${quantity},12/1/2010 8:26,2.55,${customer},United Kingdom`;

/** Two batches that meet on an invoice, with duplicates within and across, refused rows, customers and none. */
const FIRST = [
  HEADER,
  line('1', 'A'),
  line('1', 'B'),
  line('1', 'A'),
  line('2', 'A', 2, ''),
  line('C3', 'A'),
  line('4', 'A', 0),
];
const SECOND = [
  HEADER,
  line('1', 'B'),
  line('1', 'C'),
  line('2', 'A', 2, ''),
  line('5', 'D', 'x'),
  line('5', 'D', 3, '13047'),
];

async function deliver(world: TestWorld): Promise<string[]> {
  return [await post(world, 'transactions', FIRST.join('\n')), await post(world, 'transactions', SECOND.join('\n'))];
}

describe('a crash between any two writes of clean', () => {
  let expected: Findings;
  let calls: number;

  beforeAll(async () => {
    const world = testWorld();
    const batches = await deliver(world);
    const ports = faulty(world, () => undefined);
    await drain(world, ports);
    expected = await findings(world, batches);
    calls = ports.calls();
    world.remove();
  });

  it('has an undisturbed run to be compared with', () => {
    expect(expected.batches).toEqual([
      {
        received: 6,
        through: 4,
        rejected: { cancellation: 1, non_positive_quantity: 1 },
        balanced: true,
        status: 'complete',
      },
      { received: 5, through: 4, rejected: { unparseable: 1 }, balanced: true, status: 'complete' },
    ]);
    expect(expected.kept).toBe(5);
    expect(expected.lines).toHaveLength(5);
    expect(expected.landed).toHaveLength(5);
    expect(calls).toBeGreaterThan(12);
  });

  it.each<Fault>(['before', 'after', 'halfway'])(
    'loses nothing and doubles nothing when the world breaks %s any call',
    async (fault) => {
      for (let point = 0; point < calls; point++) {
        const world = testWorld();
        const batches = await deliver(world);
        await drain(
          world,
          faulty(world, (call) => (call === point ? fault : undefined)),
        );
        expect({ point, ...(await findings(world, batches)) }).toEqual({ point, ...expected });
        world.remove();
      }
    },
  );

  it('loses nothing when it breaks again and again, at a call further on each time', async () => {
    const world = testWorld();
    const batches = await deliver(world);
    let next = 0;
    let since = 0;
    const ports = faulty(world, () => {
      if (since++ < next) return undefined;
      next++;
      since = 0;
      return next % 2 ? 'after' : 'before';
    });
    await drain(world, ports);
    expect(await findings(world, batches)).toEqual(expected);
    world.remove();
  });
});
