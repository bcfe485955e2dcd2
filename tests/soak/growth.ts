/** A measurement at a time, in seconds since the beginning. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/**
 * The least of each window. A collected heap goes up and down like a saw: what is left at its lowest is what is held.
 */
export function minima(samples: readonly Sample[], windowSeconds: number): Sample[] {
  const least = new Map<number, Sample>();
  for (const sample of samples) {
    const window = Math.floor(sample.at / windowSeconds);
    if (sample.value < (least.get(window)?.value ?? Number.POSITIVE_INFINITY)) least.set(window, sample);
  }
  return [...least.values()];
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** What a value gains each second, by least squares. */
export function slope(samples: readonly Sample[]): number {
  const at = mean(samples.map((sample) => sample.at));
  const value = mean(samples.map((sample) => sample.value));
  let together = 0;
  let spread = 0;
  for (const sample of samples) {
    together += (sample.at - at) * (sample.value - value);
    spread += (sample.at - at) ** 2;
  }
  return spread === 0 ? 0 : together / spread;
}

/** The value that a share of all are not above. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
