import type { Overview } from './answers';
import { asked, Refused, SignedOut } from './api';
import { controls } from './controls';
import { button, byId, el } from './dom';
import { health } from './health';
import { panel } from './panel';
import { SECTIONS } from './panels';
import { comeBack, forget, type Place, session, signIn, signOut } from './sign-in';
import { theme } from './theme';
import { tiles } from './tiles';
import { hashOf, type Span, type View, viewOf } from './view';

const content = byId('content');
const EMPTY: Span = { first_day: null, last_day: null };

/** What the view that is shown is doing; a new view breaks it off. */
let current = new AbortController();
let ending: ReturnType<typeof setTimeout> | undefined;

function notice(text = ''): void {
  byId('notice').textContent = text;
  byId('notice').hidden = text === '';
}

/** What those hear who listen. */
const tell = (text: string): void => {
  byId('status').textContent = text;
};

/** The page of somebody who is not signed in. */
function welcome(place: Place, why = ''): void {
  current.abort();
  clearTimeout(ending);
  forget();
  notice(why);
  byId('controls').hidden = true;
  byId('sign-out').hidden = true;
  const enter = button('Sign in', () => void signIn(place), { class: 'main', id: 'sign-in' });
  content.replaceChildren(
    el(
      'section',
      { class: 'welcome', attributes: { 'aria-labelledby': 'title-welcome' } },
      el('h2', { attributes: { id: 'title-welcome' } }, 'How is the shop doing?'),
      el('p', {}, 'Sales, customers and visitors on one page. Sign in to see them.'),
      enter,
    ),
  );
}

const ended = (place: Place) => () => welcome(place, 'Your sign-in has ended. Sign in again, and you are back here.');

/** Shows what the address says. */
async function show(place: Place): Promise<void> {
  current.abort();
  const here = new AbortController();
  current = here;
  const { signal } = here;
  const signedOut = ended(place);
  const active = session();
  if (!active) return signedOut();
  clearTimeout(ending);
  ending = setTimeout(signedOut, active.ends - Date.now());

  const view = viewOf(location.hash);
  notice();
  byId('sign-out').hidden = false;
  byId('controls').hidden = false;
  const focused = byId('controls').contains(document.activeElement) ? document.activeElement?.id : undefined;
  byId('controls').replaceChildren(
    controls(view, (chosen) => {
      location.hash = hashOf(chosen);
    }),
  );
  if (focused) byId(focused).focus();
  try {
    const overview = await asked<Overview>('/v1/insights', signal);
    content.replaceChildren(
      tiles(view.shown, signal, { signedOut, tell }),
      ...sections(view, overview, signal, signedOut),
    );
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof SignedOut) return signedOut();
    if (!(error instanceof Refused)) throw error;
    content.replaceChildren();
    notice(error.message);
    byId('notice').append(
      ' ',
      button('Try again', () => void show(place)),
    );
  }
}

function sections(view: View, overview: Overview, signal: AbortSignal, signedOut: () => void): HTMLElement[] {
  const wanted = { both: ['transactions', 'events'], sales: ['transactions'], visitors: ['events'] }[view.shown];
  const known = new Map(overview.datasets.map((dataset) => [dataset.dataset, dataset]));
  const around = (dataset: string) => ({
    view,
    dataset: known.get(dataset) ?? EMPTY,
    signal,
    signedOut,
  });
  return [
    ...SECTIONS.map(({ title, panels }) => ({
      title,
      panels: panels.filter(({ dataset }) => wanted.includes(dataset)),
    }))
      .filter(({ panels }) => panels.length > 0)
      .map(({ title, panels }) => headed(title, ...panels.map((each) => panel(each, around(each.dataset))))),
    headed('Data health', health(overview)),
  ];
}

function headed(title: string, ...panels: HTMLElement[]): HTMLElement {
  const id = `title-${title.toLowerCase().replaceAll(' ', '-')}`;
  return el(
    'section',
    { attributes: { 'aria-labelledby': id } },
    el('h2', { attributes: { id } }, title),
    el('div', { class: 'panels' }, ...panels),
  );
}

async function begin(): Promise<void> {
  theme(() => void import('./chart').then(({ redraw }) => redraw()));
  const answer = await fetch('/config.json');
  if (!answer.ok) throw new Error(`/config.json: ${answer.status}`);
  const place = (await answer.json()) as Place;
  byId('sign-out').addEventListener('click', () => signOut(place));
  addEventListener('hashchange', () => void show(place));
  document.querySelector('.skip')?.addEventListener('click', (event) => {
    event.preventDefault(); // the hash is the view's
    byId('main').focus();
  });
  const why = await comeBack(place);
  if (session()) await show(place);
  else welcome(place, why);
}

begin().catch((error: unknown) => {
  console.error(error);
  content.replaceChildren();
  notice('The page could not start. Load it again.');
});
