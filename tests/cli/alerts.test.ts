import { setTimeout as sleep } from 'node:timers/promises';
import { type Alerts, startAlerts } from '../../cli/dev/alerts';
import { alertsOf } from '../../cli/dev/settings';
import { mailsInWords, whereToLook } from '../../cli/dev/where-to-look';
import type { Arrival } from '../../shared/domain/arrival';
import { Unavailable } from '../../shared/pipeline/ports';
import { click, clicks } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';

const ROOT = `${__dirname}/../..`;
const SETTINGS = { ...alertsOf(ROOT), api: 'http://127.0.0.1:3000' };

describe('npm start tells', () => {
  let world: TestWorld;
  let alerts: Alerts | undefined;
  let said: unknown[];
  beforeEach(() => {
    world = testWorld();
    said = [];
    jest.spyOn(console, 'error').mockImplementation((...what: unknown[]) => void said.push(...what));
  });
  afterEach(async () => {
    await alerts?.stop();
    jest.restoreAllMocks();
    world.remove();
  });

  const start = (ports: Partial<TestWorld> = {}) => {
    alerts = startAlerts({ ...world, ...ports }, world.directory, SETTINGS, 10);
    return alerts;
  };
  const mails = async () => (await alerts!.mails()).map(({ subject }) => subject);
  const someMails = async (many: number) => {
    for (let n = 0; n < 500 && (await mails()).length < many; n++) await sleep(10);
    return mails();
  };

  it('of what appears, by itself, and not again at the next start', async () => {
    start();
    expect(await mails()).toEqual([]);
    await world.failed.put('x', Buffer.from('x'), new TypeError('y'));
    await world.lake.put('reports/nightly/dt=2026-03-01/n.json', '{"status":"failed"}');
    expect((await someMails(2)).sort()).toEqual([
      'ecomflow local: chunk failed: TypeError',
      'ecomflow local: nightly run failed at an unknown step',
    ]);
    await alerts!.stop();
    world.clock.pass(60);
    start();
    await alerts!.tell();
    expect(await mails()).toEqual([]);
  });

  it('of mails as they are sent, once those of the start have been listed', async () => {
    start();
    await world.failed.put('x', Buffer.from('x'), new TypeError('y'));
    await alerts!.tell();
    expect(said).toEqual([]);
    alerts!.announce();
    await world.lake.put('reports/nightly/dt=2026-03-01/n.json', '{"status":"failed"}');
    await alerts!.tell();
    expect(said).toEqual(['Mail: ecomflow local: nightly run failed at an unknown step']);
  });

  it('of an object without looking at it ever after', async () => {
    await world.failed.put('x', Buffer.from('x'), new TypeError('y'));
    const keys: string[] = [];
    const read: TestWorld['notes']['read'] = (key) => {
      keys.push(key);
      return world.notes.read(key);
    };
    start({ notes: { read } });
    await alerts!.tell();
    await alerts!.tell();
    expect(keys).toEqual(['failed/x.error.json']);
  });

  it('of what lay there before, in one mail for each kind beside the first', async () => {
    for (const name of ['a', 'b', 'c'])
      await world.lake.put(`rejected/files/events/dt=2026-03-01/${name}.reason.json`, '{"code":"empty_body"}');
    start();
    await alerts!.tell();
    expect((await mails()).sort()).toEqual([
      'ecomflow local: events: 2 files refused',
      'ecomflow local: events: file refused: unknown (empty_body)',
    ]);
  });

  it('of what arrived, when it is asked, and when the window is over', async () => {
    await post(world, 'events', clicks([click()]));
    await drain(world);
    start();
    await alerts!.tell();
    expect(await mails()).toEqual(['ecomflow local: events: 1 row in 1 batch: 1 kept, 0 dup, 0 rejected']);
    await post(world, 'events', clicks([click({ second: 1 })]));
    await drain(world);
    world.clock.pass(SETTINGS.every * 60);
    expect(await someMails(2)).toHaveLength(2);
  });

  it('of a file that Spark gave up', async () => {
    const arrival = {
      version: '1',
      key: 'inbox/events/large.csv',
      dataset: 'events',
      run_id: 'run-1',
      sent_by: 'test',
      arrived_at: '2026-03-01T12:00:00.000Z',
      refusal: { code: 'internal', detail: 'Spark gave up: see spark/x.log', facts: {} },
    } as Arrival;
    await world.arrivals.note(arrival);
    start().gaveUp(arrival);
    expect(await someMails(1)).toEqual(['ecomflow local: events: Spark gave a file up: large.csv (FAILED)']);
  });

  it('when the world is well again, and says meanwhile that it is not', async () => {
    let broken = true;
    const send: TestWorld['post']['send'] = async (mail) => {
      if (broken) throw new Unavailable('the disk is full');
      await world.post.send(mail);
    };
    await world.failed.put('x', Buffer.from('x'), new TypeError('y'));
    start({ post: { send } });
    await alerts!.tell();
    expect(said).toContain('alerts: the disk is full');
    broken = false;
    expect(await someMails(1)).toEqual(['ecomflow local: chunk failed: TypeError']);
  });

  it('of the others when one cannot be read, which it says and tries again', async () => {
    await world.failed.put('a', Buffer.from('x'), new TypeError('y'));
    await world.lake.put('reports/nightly/dt=2026-03-01/n.json', '{"status":"failed"}');
    let locked = true;
    const read: TestWorld['notes']['read'] = async (key) => {
      if (locked && key === 'failed/a.error.json') throw new Unavailable('it is locked');
      return world.notes.read(key);
    };
    start({ notes: { read } });
    await alerts!.tell();
    expect(await mails()).toEqual(['ecomflow local: nightly run failed at an unknown step']);
    expect(said).toContain('alerts: it is locked');
    locked = false;
    expect(await someMails(2)).toContain('ecomflow local: chunk failed: TypeError');
  });

  it('of the others when one cannot be told for a defect of ours, which it says', async () => {
    await world.failed.put('a', Buffer.from('x'), new TypeError('y'));
    await world.failed.put('b', Buffer.from('x'), new TypeError('y'));
    const defect = new TypeError('planted');
    const read: TestWorld['notes']['read'] = async (key) => {
      if (key === 'failed/a.error.json') throw defect;
      return world.notes.read(key);
    };
    start({ notes: { read } });
    await alerts!.tell();
    expect(said).toContain(defect);
    expect(await mails()).toHaveLength(1);
  });
});

describe('the mails of a start', () => {
  const sent = (n: number) => Array.from({ length: n }, (_, i) => ({ file: `outbox/${i}.eml`, subject: `mail ${i}` }));
  const connection = { url: 'http://u', tokenUrl: 'http://t', id: 'i', secret: 's' };

  it('are listed with their files, before what stops it', () => {
    expect(mailsInWords(sent(1))).toBe('1 mail of this start:\n  mail 0\n    outbox/0.eml');
    const lines = whereToLook(connection, '/d', [], sent(2)).split('\n');
    expect(lines.slice(-7)).toEqual([
      '2 mails of this start:',
      '  mail 0',
      '    outbox/0.eml',
      '  mail 1',
      '    outbox/1.eml',
      '',
      'Ctrl-C stops it; the next npm start finds its data again.',
    ]);
    expect(whereToLook(connection, '/d', [])).not.toContain('mail');
  });

  it('are the last ten of many', () => {
    const lines = mailsInWords(sent(12)).split('\n');
    expect(lines.slice(0, 3)).toEqual(['12 mails of this start:', '  and 2 before these', '  mail 2']);
    expect(lines).toHaveLength(22);
  });
});
