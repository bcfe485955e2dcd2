import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mailsSince } from '../../../shared/adapters/local/outbox';
import type { Mail } from '../../../shared/domain/alert';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const mail = (id: string, rest: Partial<Mail> = {}): Mail => ({
  id,
  kind: 'nightly',
  severity: 'info',
  subject: 'ecomflow test: nightly run done',
  body: 'Zwölf rows.\n\nFrom here on nothing.\n.\n',
  ...rest,
});
const files = () => readdirSync(join(world.directory, 'outbox')).sort();
const read = (name: string) => readFileSync(join(world.directory, 'outbox', name), 'utf8');

it('a mail is a message as RFC 5322 has it, to nobody', async () => {
  await world.post.send(mail('0123'));
  expect(files()).toEqual(['2026-03-01T12-00-00-000Z-0123.eml']);
  expect(read(files()[0]!)).toBe(
    [
      'From: ecomflow <alerts@ecomflow.invalid>',
      'To: ecomflow operators <operators@ecomflow.invalid>',
      'Date: Sun, 01 Mar 2026 12:00:00 +0000',
      'Message-ID: <0123@ecomflow.invalid>',
      'Subject: ecomflow test: nightly run done',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
      'X-Ecomflow-Kind: nightly',
      'X-Ecomflow-Severity: info',
      '',
      'Zwölf rows.',
      '',
      'From here on nothing.',
      '.',
      '',
    ].join('\r\n'),
  );
});

it('a line that is too long for a message is encoded, and comes out as it was', async () => {
  const body = `${'é'.repeat(499)}x\n`;
  await world.post.send(mail('1', { body }));
  const [headers, text] = read(files()[0]!).split('\r\n\r\n');
  expect(headers).toContain('Content-Transfer-Encoding: base64');
  expect(text!.split('\r\n').every((line) => line.length <= 76)).toBe(true);
  expect(Buffer.from(text!, 'base64').toString()).toBe(body.replace('\n', '\r\n'));
});

it('the same mail is sent once, also at the same time, and the others in their order', async () => {
  await Promise.all([world.post.send(mail('b')), world.post.send(mail('b'))]);
  world.clock.pass(60);
  await world.post.send(mail('b'));
  await world.post.send(mail('a'));
  expect(files()).toEqual(['2026-03-01T12-00-00-000Z-b.eml', '2026-03-01T12-01-00-000Z-a.eml']);
});

it('a mail that cannot be written is heard of, and hinders no other', async () => {
  writeFileSync(join(world.directory, 'outbox'), 'no folder');
  await expect(world.post.send(mail('a'))).rejects.toThrow('the outbox cannot be read');
  const other = testWorld();
  await other.post.send(mail('a'));
  mkdirSync(join(other.directory, 'outbox', '.x'));
  expect(await mailsSince(other.directory, new Date(0))).toHaveLength(1);
  other.remove();
});

it('mails since a time are listed with their subjects', async () => {
  expect(await mailsSince(world.directory, new Date(0))).toEqual([]);
  await world.post.send(mail('a'));
  world.clock.pass(60);
  const since = world.clock.now();
  await world.post.send(mail('b', { subject: 'ecomflow test: another' }));
  writeFileSync(join(world.directory, 'outbox', '9.eml'), 'not ours');
  expect(await mailsSince(world.directory, since)).toEqual([
    { file: 'outbox/2026-03-01T12-01-00-000Z-b.eml', subject: 'ecomflow test: another' },
    { file: 'outbox/9.eml', subject: '9.eml' },
  ]);
});
