import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as adapters from '#adapters';
import { type LoadRequest, loadWarehouse } from '../../shared/pipeline/warehouse';

const ports = {
  landed: adapters.landed(),
  warehouse: adapters.warehouse(),
};

/** Kept back of the function's time for the file that is being loaded when it is asked. */
const RESERVE_MS = 60_000;

/** What is new in landing goes into the warehouse. Whoever calls, calls again until the answer is done. */
export const handler = middy<LoadRequest>().handler((request: LoadRequest, context: Context) =>
  loadWarehouse(request ?? {}, ports, () => context.getRemainingTimeInMillis() - RESERVE_MS),
);
