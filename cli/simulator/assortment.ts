import { type Random, zipf } from './random';

/** What the shop of the events shows. */
export interface Article {
  id: string;
  categoryId: string;
  categoryCode: string;
  brand: string;
  price: string;
}

interface Category {
  id: string;
  code: string;
}

const CATEGORIES = 500;
const BRANDS = 240;
const codes = 'accessories.bag,apparel.scarf,appliances.hairdryer,furniture.mirror,stationery.labels,sport.towel'.split(
  ',',
);
const syllables = 'lu,me,no,va,ri,so,ka,te,bel,nor,mi,zan,ero,dy,fi,pal,gra,osh,ve,lin'.split(',');

/** Articles by rank, the most wanted first: two in five without a brand, one in fifty with a category code. */
export function assortment(count: number, random: Random): Article[] {
  const categories = Array.from({ length: CATEGORIES }, (): Category => category(random));
  const brands = Array.from({ length: BRANDS }, () => brand(random));
  const commonCategories = zipf(CATEGORIES, 20);
  const commonBrands = zipf(BRANDS, 5);
  const ids = new Set<number>();
  while (ids.size < count) ids.add(5_000_000 + random.below(1_000_000));
  return [...ids].map((id) => {
    const { id: categoryId, code } = categories[commonCategories.draw(random)] as Category;
    return {
      id: String(id),
      categoryId,
      categoryCode: code,
      brand: random.chance(0.42) ? '' : (brands[commonBrands.draw(random)] as string),
      price: random.chance(0.001) ? '0.00' : priceOf(random.logNormal(400, 1)),
    };
  });
}

/** Category ids have 19 digits, more than a double can hold. */
function category(random: Random): Category {
  const digits = String(random.below(1_000_000)).padStart(6, '0') + String(random.below(1_000_000)).padStart(6, '0');
  return { id: `2053013${digits}`, code: random.chance(0.02) ? random.pick(codes) : '' };
}

function brand(random: Random): string {
  const name = Array.from({ length: 2 + random.below(2) }, () => random.pick(syllables)).join('');
  const luck = random.unit();
  if (luck < 0.03) return `${name}é`;
  if (luck < 0.06) return `${name}, ${random.pick(syllables)} & co`;
  if (luck < 0.08) return `${name} "pro"`;
  if (luck < 0.2) return `${name}.${random.pick(syllables)}`;
  if (luck < 0.3) return `${name}-${random.pick(syllables)}`;
  return name;
}

/** Cents to `1.05`. */
function priceOf(wanted: number): string {
  const cents = Math.max(5, Math.round(wanted));
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}
