import type { Random } from './random';

/** What the shop of the transactions sells. */
export interface Product {
  code: string;
  description: string;
  /** Thousandths of a pound. */
  mills: number;
}

const colours = 'RED,BLUE,GREEN,IVORY,BLACK,PINK,SILVER,GOLD,MINT,CREAM,GREY,YELLOW,NAVY,COPPER,WHITE,LILAC'.split(',');
const materials = 'ENAMEL,WOODEN,GLASS,COTTON,FELT,CERAMIC,WICKER,PAPER,TIN,BAMBOO,LINEN,SLATE,KNITTED,MARBLE'.split(
  ',',
);
const motifs = 'STAR,HEART,BIRD,FERN,POLKADOT,STRIPE,GINGHAM,ROSE,WOODLAND,NAUTICAL,RETRO,ORCHARD,HARVEST,CIRCUS'.split(
  ',',
);
const things = (
  'TEA CADDY,LUNCH BOX,CAKE STAND,PHOTO FRAME,CANDLE HOLDER,STORAGE JAR,DOORMAT,CUSHION COVER,WALL CLOCK,' +
  'GIFT BAG,BUNTING,NAPKINS,MUG,EGG CUP,JEWELLERY BOX,COAT HOOK,NOTEBOOK,PLANTER,TEA TOWEL,PENCIL CASE,' +
  'HOT WATER BOTTLE,APRON,BISCUIT TIN,DRAWER KNOB,GARLAND,COASTER,SERVING TRAY,KEY RING,PARTY CANDLES,' +
  'WRAPPING PAPER,BIRTHDAY CARD,SHOPPER,SOAP DISH,MONEY BOX,FEATHER TREE,LANTERN,MIRROR,OVEN GLOVE,RIBBON,BOWL'
).split(',');

/** Products by rank, the best seller first. A few have descriptions that a careless CSV reader trips over. */
export function catalogue(count: number, random: Random): Product[] {
  return codes(count, random).map((code) => ({ code, description: describe(random), mills: price(random) }));
}

/** Five digits, a third of them with a letter for the variant; each once. */
function codes(count: number, random: Random): string[] {
  const all = new Set<string>();
  while (all.size < count) {
    const letter = random.chance(0.33) ? String.fromCharCode(65 + random.below(12)) : '';
    all.add(`${10000 + random.below(80000)}${letter}`);
  }
  return [...all];
}

function describe(random: Random): string {
  const colour = random.pick(colours);
  const thing = random.pick(things);
  const style = `${random.pick(materials)} ${random.pick(motifs)}`;
  const luck = random.unit();
  if (luck < 0.02) return `${thing}, ${colour} ${style}`;
  if (luck < 0.03) return `${colour} ${style} ${thing} ${4 + random.below(12)}"`;
  if (luck < 0.035) return `"${random.pick(motifs)}" ${thing}, SET OF ${2 + random.below(10)}`;
  if (luck < 0.045) return `GIFT VOUCHER £${5 * (1 + random.below(20))} ${random.pick(motifs)}`;
  if (luck < 0.055) return `CAFÉ ${style} ${thing}`;
  if (luck < 0.058) return `${colour} ${style} ${thing}\nASSORTED DESIGNS`;
  if (luck < 0.06) return `${thing}, "DÉCOR"\r\n${colour} ${style}`;
  if (luck < 0.09) return `SET OF ${2 + random.below(11)} ${colour} ${thing}`;
  if (luck < 0.1) return `${colour} ${style} ${thing} `;
  return `${colour} ${style} ${thing}`;
}

/** Log-normal round two pounds, on the steps a price tag has. */
function price(random: Random): number {
  const pence = Math.max(10, Math.round(random.logNormal(210, 0.95)));
  const step = pence < 100 ? 1 : pence < 1000 ? 5 : 25;
  return Math.round(pence / step) * step * 10;
}

/** Thousandths as a decimal without trailing zeros: 2100 is `2.1`. */
export function priceText(mills: number): string {
  const size = Math.abs(mills);
  const fraction = String(size % 1000)
    .padStart(3, '0')
    .replace(/0+$/, '');
  return `${mills < 0 ? '-' : ''}${Math.floor(size / 1000)}${fraction === '' ? '' : `.${fraction}`}`;
}
