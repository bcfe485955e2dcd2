import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import * as adapters from '#adapters';
import { http, ok } from '../../shared/adapters/lambda/http';
import { ROUTES } from '../../shared/domain/api';
import { authorize } from '../../shared/pipeline/authorize';
import { type LiveMemory, readLive } from '../../shared/pipeline/live';

const ports = {
  clock: adapters.clock(),
  tokens: adapters.tokens(),
  live: adapters.live(),
  telemetry: adapters.telemetry(),
};
const memory: LiveMemory = new Map();

/** Milliseconds that somebody waits for figures; what could not be read by then is there the next time. */
const ANSWER_MS = 5000;
/** Kept back of the function's time for the page in hand. */
const RESERVE_MS = 9_000;

const answer = http(ports.telemetry, async ({ path, headers }) => {
  await authorize(headers.authorization, ROUTES['GET /v1/live'], ports);
  const until = ports.clock.now().getTime() + ANSWER_MS;
  return ok(await readLive(ports, () => until - ports.clock.now().getTime(), memory), path);
});

/** What resources/live.js sends. */
interface SumTask {
  readonly task: 'sum';
}

/** The figures of the day, to who asks; and by the schedule, sums of what is over, so that who asks does not wait for them. */
export const handler = async (event: APIGatewayProxyEventV2 | SumTask, context: Context) => {
  if (!('task' in event)) return answer(event, context);
  const { behind } = await readLive(ports, () => context.getRemainingTimeInMillis() - RESERVE_MS, memory);
  if (behind) ports.telemetry.log('warn', 'figures of the day are behind', { task: event.task });
  return undefined;
};
