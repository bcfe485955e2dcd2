/** Typed for a browser, which this is not: only what asking touches is there. */
const dashboard: {
  ask(path: string, signal?: AbortSignal): Promise<Response>;
  asked(path: string, signal?: AbortSignal): Promise<unknown>;
} = require('../../dashboard/api');
const stored = new Map<string, string>();
const browser = globalThis as unknown as { sessionStorage: unknown };

const signIn = (ends = Date.now() + 3_600_000) =>
  stored.set('ecomflow.session', JSON.stringify({ token: 'the-token', ends }));
beforeEach(() => {
  stored.clear();
  signIn();
  browser.sessionStorage = {
    getItem: (name: string) => stored.get(name) ?? null,
    removeItem: (name: string) => stored.delete(name),
  };
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const answers = (...statuses: number[]) => {
  const fetched = jest.spyOn(globalThis, 'fetch');
  for (const status of statuses)
    fetched.mockResolvedValueOnce(new Response(JSON.stringify({ detail: `said ${status}` }), { status }));
  return fetched;
};

test('Asks with the token, which is in no address', async () => {
  const fetched = answers(200);
  expect(await dashboard.asked('/v1/live')).toEqual({ detail: 'said 200' });
  const [path, options] = fetched.mock.calls[0]!;
  expect([path, options]).toEqual([
    '/v1/live',
    expect.objectContaining({ headers: { authorization: 'Bearer the-token' }, credentials: 'omit' }),
  ]);
});

test('Asks for four things at a time, also after some of them failed', async () => {
  let [running, most] = [0, 0];
  jest.spyOn(globalThis, 'fetch').mockImplementation(async (path) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
    return new Response('{}', { status: Number(path) });
  });
  const ask = (status: number) => dashboard.ask(String(status)).catch((error: Error) => error);
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i % 3 === 0 ? 404 : 200)));
  expect(all).toHaveLength(20);
  expect(most).toBe(4);
  most = 0;
  await Promise.all(Array.from({ length: 9 }, () => ask(200)));
  expect(most).toBe(4);
});

test('Asks again for what is not ready yet, and gives up in the end', async () => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
  const fetched = answers(503, 429, 200);
  const answer = dashboard.asked('/v1/insights/rfm');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(await answer).toEqual({ detail: 'said 200' });
  expect(fetched).toHaveBeenCalledTimes(3);
  fetched.mockReset().mockImplementation(async () => new Response('{}', { status: 503 }));
  const refused = dashboard.asked('/v1/insights/rfm').catch((error: Error) => error);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(await refused).toMatchObject({ name: 'Refused', message: expect.stringContaining('longer than usual') });
  expect(fetched).toHaveBeenCalledTimes(8);
});

test.each([
  [400, 'said 400'],
  [404, 'said 404'],
  [403, 'Your account may not read figures. Ask an administrator for the group analyst.'],
  [500, 'Something went wrong over there; it is written down.'],
])('Says what a person can do about status %i', async (status, message) => {
  answers(status);
  await expect(dashboard.ask('/v1/x')).rejects.toMatchObject({ name: 'Refused', message, status });
});

test('Says when nobody answers', async () => {
  jest.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('Failed to fetch'));
  await expect(dashboard.ask('/v1/x')).rejects.toMatchObject({ message: expect.stringContaining('cannot be reached') });
});

test('Knows that a session has ended: of itself, without asking, or because the API says so, once and for all', async () => {
  const fetched = answers(401);
  await expect(dashboard.ask('/v1/x')).rejects.toMatchObject({ name: 'SignedOut' });
  expect(stored.size).toBe(0);
  signIn(Date.now() - 1);
  await expect(dashboard.ask('/v1/x')).rejects.toMatchObject({ name: 'SignedOut' });
  expect(fetched).toHaveBeenCalledTimes(1);
});
