/*
 * Waiting times of every client, in milliseconds. The SDK's own are none at all: a connection that went dead would hold
 * a function until Lambda ends it. With the standard mode's retries a call is given up before an API caller is.
 */
export const HTTP = { connectionTimeout: 1_000, requestTimeout: 5_000, throwOnRequestTimeout: true } as const;

/** Objects are larger than items. */
export const HTTP_OBJECTS = { ...HTTP, requestTimeout: 15_000 } as const;

/** The first try included; the SDK waits longer for throttles than for faults. */
export const RETRIES = { retryMode: 'standard', maxAttempts: 4 } as const;
