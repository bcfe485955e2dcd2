import { byId } from './dom';

const THEMES = { system: 'of the system', light: 'light', dark: 'dark' } as const;
type Theme = keyof typeof THEMES;
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const KEPT = 'ecomflow.theme';

const kept = (): Theme => {
  const found = localStorage.getItem(KEPT) ?? '';
  return Object.hasOwn(THEMES, found) ? (found as Theme) : 'system';
};

/** Colours: those of the system, unless somebody chooses. */
export function theme(changed: () => void): void {
  const button = byId('theme');
  const show = () => {
    document.documentElement.dataset.theme = kept();
    button.textContent = `Colours: ${THEMES[kept()]}`;
  };
  show();
  button.addEventListener('click', () => {
    localStorage.setItem(KEPT, NEXT[kept()]);
    show();
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}
