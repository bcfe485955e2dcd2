import { el } from './dom';
import { RANGES, type Range, SHOWN, type Shown, type View } from './view';

const options = (texts: Readonly<Record<string, string>>, order: readonly string[], chosen: string) =>
  order.map((value) => {
    const option = el('option', { attributes: { value } }, texts[value]!);
    option.selected = value === chosen;
    return option;
  });

/** The form that says what is looked at; it goes with every change, days that are typed when the button is pressed. */
export function controls(view: View, choose: (view: View) => void): HTMLElement {
  const shown = el(
    'select',
    { attributes: { id: 'dataset' } },
    ...options(SHOWN, ['both', 'sales', 'visitors'], view.shown),
  );
  const range = el(
    'select',
    { attributes: { id: 'range' } },
    ...options(RANGES, ['all', '7', '30', '90', 'year', 'custom'], view.range),
  );
  const from = el('input', { attributes: { id: 'from', type: 'date', value: view.from } });
  const to = el('input', { attributes: { id: 'to', type: 'date', value: view.to } });
  const own = el(
    'span',
    { class: 'days' },
    el('label', {}, 'From', from),
    el('label', {}, 'To', to),
    el('button', { attributes: { id: 'show' } }, 'Show'),
  );
  own.hidden = view.range !== 'custom';

  const chosen = (): View => ({
    shown: shown.value as Shown,
    range: range.value as Range,
    from: range.value === 'custom' ? from.value : '',
    to: range.value === 'custom' ? to.value : '',
  });
  const go = () => {
    // Upside down is told at the field, by the browser.
    to.setCustomValidity(from.value && to.value && from.value > to.value ? 'This day is before the first one.' : '');
    if (form.reportValidity()) choose(chosen());
  };
  shown.addEventListener('change', go);
  range.addEventListener('change', () => {
    own.hidden = range.value !== 'custom';
    if (own.hidden) go();
    else from.focus();
  });
  to.addEventListener('input', () => to.setCustomValidity(''));
  const form = el(
    'form',
    {
      attributes: { 'aria-label': 'What is shown' },
      on: {
        submit(event) {
          event.preventDefault();
          go();
        },
      },
    },
    el('label', {}, 'Data', shown),
    el('label', {}, 'Days', range),
    own,
  );
  return form;
}
