import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as adapters from '#adapters';
import { type CountRequest, countWarehouse, type LoadRequest, loadWarehouse } from '../../shared/pipeline/warehouse';

const ports = {
  landed: adapters.landed(),
  warehouse: adapters.warehouse(),
  recount: adapters.recount(),
  clock: adapters.clock(),
};

/** Kept back of the function's time for the file that is being loaded when it is asked. */
const RESERVE_MS = 60_000;

const isCount = (request: LoadRequest | CountRequest): request is CountRequest => 'count' in request;

/**
 * What is new in landing goes into the warehouse. Whoever calls, calls again until the answer is done. Asked to count,
 * it counts the warehouse for the recount of all stores, which does not reach it.
 */
export const handler = middy<LoadRequest | CountRequest>().handler(
  async (request: LoadRequest | CountRequest | null, context: Context) =>
    request && isCount(request)
      ? countWarehouse(ports)
      : loadWarehouse(request ?? {}, ports, () => context.getRemainingTimeInMillis() - RESERVE_MS),
);
