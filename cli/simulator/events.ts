import { type Article, assortment } from './assortment';
import { dayOf, FIRST_DAY, season } from './calendar';
import { Queue } from './queue';
import { Random, Weighted, zipf } from './random';

export const eventColumns = [
  'event_time',
  'event_type',
  'product_id',
  'category_id',
  'category_code',
  'brand',
  'price',
  'user_id',
  'user_session',
];

const ARTICLES = 20_000;
const EVENTS_PER_SESSION = 4.7;
const SESSIONS_PER_DAY = 1000;
const DAYS = 150;
const MOST_USERS = 500_000;
const SECONDS_PER_DAY = 86_400;

type EventType = 'view' | 'cart' | 'remove_from_cart' | 'purchase';

interface Step {
  type: EventType;
  article: Article;
}

interface Session {
  user: string;
  id: string;
  steps: Step[];
  next: number;
}

/** Visits per hour of the day, in proportion to each other; evenings are busy. */
const hourly = new Weighted([8, 5, 3, 3, 4, 8, 16, 26, 36, 44, 48, 50, 50, 49, 47, 46, 47, 51, 57, 62, 60, 48, 30, 16]);

/** How often a client sends the same event twice. */
const repeated: Record<EventType, number> = { view: 0.03, cart: 0.01, remove_from_cart: 0.18, purchase: 0.03 };

/**
 * The clicks of a shop that sells cosmetics, in the order of time, without end. A shop of up to about 700,000 events
 * has 1000 sessions a day and takes as many days as it needs; a larger one is busier, and takes at most five months.
 *
 * Even a clean shop has a row that the contract rejects now and then: one purchase in 10,000 has a negative price.
 * One row in twenty is an exact repetition of the row before it.
 */
export function* events(rows: number, seed: string | number): Generator<string[]> {
  const random = new Random(seed, 'clicks');
  const sessions = rows / EVENTS_PER_SESSION;
  const arriving = arrivals(Math.max(SESSIONS_PER_DAY, sessions / DAYS), random);
  const visit = openShop(Math.min(MOST_USERS, Math.max(50, Math.round(sessions / 3))), seed);
  const active = new Queue<Session>();
  for (const arrival of arriving) {
    while (active.time <= arrival) {
      const time = active.time;
      const session = active.take();
      const { type, article } = session.steps[session.next++] as Step;
      const row = eventRow(time, type, article, session, random);
      yield row;
      if (random.chance(repeated[type])) yield row;
      const following = session.steps[session.next];
      if (following) active.add(time + pause(type, following.type, random), session);
    }
    active.add(arrival, visit(random));
  }
}

function eventRow(time: number, type: EventType, article: Article, { user, id }: Session, random: Random): string[] {
  const price = type === 'purchase' && random.chance(0.0001) ? `-${article.price}` : article.price;
  return [timeText(time), type, article.id, article.categoryId, article.categoryCode, article.brand, price, user, id];
}

/** Seconds since 1970 at which a session begins: without end, ascending. */
function* arrivals(perDay: number, random: Random): Generator<number> {
  for (let dayNumber = FIRST_DAY; ; dayNumber++) {
    const quiet = 0.5 + 0.5 * season(dayOf(dayNumber));
    const seconds = new Float64Array(Math.round(perDay * quiet * (0.9 + 0.2 * random.unit())));
    for (let i = 0; i < seconds.length; i++) {
      seconds[i] = dayNumber * SECONDS_PER_DAY + hourly.draw(random) * 3600 + random.below(3600);
    }
    yield* seconds.sort();
  }
}

function openShop(userCount: number, seed: string | number): (random: Random) => Session {
  const articles = assortment(ARTICLES, new Random(seed, 'shop'));
  const popularity = zipf(ARTICLES, 100);
  const loyalty = zipf(userCount, 30);
  const article = (random: Random) => articles[popularity.draw(random)] as Article;
  return (random) => {
    const user = String(300_000_000 + ((loyalty.draw(random) * 7_368_787) % 299_999_977));
    const id = random.chance(0.0002) ? '' : uuid(random);
    const steps = random.chance(0.215) ? shop(random, article) : browse(random, article);
    return { user, id, steps, next: 0 };
  };
}

/** Looks only: one to a dozen articles, most often one. */
function browse(random: Random, article: (random: Random) => Article): Step[] {
  const steps: Step[] = [];
  do steps.push({ type: 'view', article: article(random) });
  while (steps.length < 12 && random.chance(0.43));
  return steps;
}

/** Fills a cart, changes its mind about half of it, and every second time buys what is left, all at once. */
function shop(random: Random, article: (random: Random) => Article): Step[] {
  const steps: Step[] = [];
  let cart: Article[] = [];
  const wanted = Math.min(60, Math.max(1, Math.round(random.logNormal(4.3, 0.8))));
  for (let i = 0; i < wanted; i++) {
    const chosen = article(random);
    if (random.chance(0.6)) steps.push({ type: 'view', article: chosen });
    steps.push({ type: 'cart', article: chosen });
    cart.push(chosen);
    if (random.chance(0.55)) {
      const dropped = random.pick(cart);
      cart = cart.filter((kept) => kept !== dropped);
      steps.push({ type: 'remove_from_cart', article: dropped });
    }
  }
  if (random.chance(0.5)) for (const bought of new Set(cart)) steps.push({ type: 'purchase', article: bought });
  return steps;
}

/** Seconds to the next event. A purchase has an event per article, all at the same second. */
function pause(type: EventType, next: EventType, random: Random): number {
  if (type === 'purchase' && next === 'purchase') return 0;
  return Math.min(3600, Math.round(random.logNormal(25, 1.1)));
}

/** The shape of a UUID, version 4; what is in it comes from the seed. */
function uuid(random: Random): string {
  const digits = Array.from({ length: 4 }, () => random.word().toString(16).padStart(8, '0')).join('');
  const variant = '89ab'[Number.parseInt(digits[16] as string, 16) % 4];
  const groups = [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`];
  return `${groups.join('-')}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`;
}

/** `YYYY-MM-DD HH:MM:SS UTC` */
function timeText(second: number): string {
  const dayNumber = Math.floor(second / SECONDS_PER_DAY);
  const ofDay = second % SECONDS_PER_DAY;
  const { year, month, day } = dayOf(dayNumber);
  const two = (value: number) => (value < 10 ? `0${value}` : String(value));
  const clock = `${two(Math.floor(ofDay / 3600))}:${two(Math.floor(ofDay / 60) % 60)}:${two(ofDay % 60)}`;
  return `${year}-${two(month)}-${two(day)} ${clock} UTC`;
}
