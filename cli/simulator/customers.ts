import { type Random, Weighted, zipf } from './random';

export interface Customers {
  /** The most loyal first. */
  ids: string[];
  countries: string[];
  /** Draws an index: some come every week, most once or twice. */
  loyalty: Weighted;
}

const countries: [name: string, weight: number][] = [
  ['United Kingdom', 905],
  ['Germany', 20],
  ['France', 18],
  ['EIRE', 10],
  ['Spain', 7],
  ['Belgium', 6],
  ['Netherlands', 5],
  ['Switzerland', 5],
  ['Portugal', 4],
  ['Australia', 3],
  ['Norway', 3],
  ['Italy', 3],
  ['Finland', 3],
  ['Sweden', 2],
  ['Austria', 2],
  ['USA', 2],
  ['Japan', 1],
  ["Côte d'Ivoire", 0.5],
];
export const HOME = 'United Kingdom';

/** Each customer has a number of five digits or more, and one country. */
export function customers(count: number, random: Random): Customers {
  const abroad = new Weighted(countries.map(([, weight]) => weight));
  const ids = Array.from({ length: count }, (_, i) => String(12000 + i));
  return {
    ids: random.shuffle(ids),
    countries: ids.map(() => countries[abroad.draw(random)]?.[0] ?? HOME),
    loyalty: zipf(count, 8),
  };
}
