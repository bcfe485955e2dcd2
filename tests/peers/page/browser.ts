import { existsSync, readFileSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { debian } from '../support/install';
import * as inside from './inside';
import type { Shop } from './shop';

const CHROMIUM = '/usr/bin/chromium';
/** A browser that tells nobody anything: the page's requests are to be the only ones. */
const QUIET = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
];
/** Nothing on the page takes so long on a slow day. */
export const WAIT_MS = 20_000;

export const DESK = { width: 1280, height: 900 };
export const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  screen: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

export async function openBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) await debian('chromium', 'fonts-liberation');
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: QUIET });
}

/** Somebody at the page, in a browser of their own; what it complains of and asks for is written down. */
export interface Visit {
  readonly page: Page;
  /** Method and address of every request. */
  readonly requests: readonly string[];
  /** What a check brings about by itself. */
  expects(complaint: RegExp): void;
  /** Errors and warnings of the console, violations of the policy, requests to others. */
  complaints(): string[];
  close(): Promise<void>;
}

/** Opens the page at a hash; nobody is signed in. West of Greenwich, where a day that is read as a moment is another one. */
export async function visit(
  browser: Browser,
  shop: Shop,
  options: BrowserContextOptions = {},
  hash = '',
): Promise<Visit> {
  const zone = { locale: 'en-GB', timezoneId: 'America/New_York' };
  const context = await browser.newContext({ viewport: DESK, ...zone, ...options });
  context.setDefaultTimeout(WAIT_MS);
  const requests: string[] = [];
  const heard: string[] = [];
  const expected: RegExp[] = [];
  const ours = [shop.url, shop.issuer];
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    requests.push(`${request.method()} ${request.url()}`);
    if (!['data:', 'blob:'].includes(protocol) && !ours.includes(origin)) heard.push(`request to ${request.url()}`);
  });
  context.on('console', (message) => {
    if (['error', 'warning', 'assert'].includes(message.type()))
      heard.push(`${message.type()} ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (fault) => heard.push(`thrown ${fault.error().stack}`));
  context.on('page', (opened) => opened.on('crash', () => heard.push('crashed')));
  const page = await context.newPage();
  await page.goto(`${shop.url}/${hash}`);
  return {
    page,
    requests,
    expects: (complaint) => void expected.push(complaint),
    complaints: () => heard.filter((text) => !expected.some((one) => one.test(text))),
    close: () => context.close(),
  };
}

/** Goes through the sign-in page, from the button to the figures. */
export async function signIn(page: Page, shop: Shop): Promise<void> {
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Name').fill('analyst');
  await page.getByLabel('Password').fill(shop.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await settled(page);
}

/** Waits until no panel is loading. */
export const settled = (page: Page): Promise<void> =>
  page.locator('main:has(.panel):not(:has(.panel[data-state="loading"]))').waitFor();

export const panelOf = (page: Page, id: string): Locator => page.locator(`#panel-${id}`);

/** Opens what is folded, all over the page. */
export async function unfold(page: Page): Promise<void> {
  for (const summary of await page
    .locator('details:not([open]) > summary')
    .all()
    .then((all) => all.reverse()))
    await summary.click();
}

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core has against a page as it is now. */
export async function judged(page: Page): Promise<Awaited<ReturnType<typeof inside.judge>>> {
  await page.evaluate(AXE);
  return page.evaluate(inside.judge);
}
