// What runs within the page: each function stands alone, as its text is what is sent there.

/** A table as it reads: each cell's text by its column. */
exports.tableIn = (scope) => {
  const table = scope.querySelector('details table');
  const columns = [...table.tHead.rows[0].cells].map((cell) => cell.dataset.column);
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
  return { caption: table.caption.textContent, columns, rows };
};

/** How much of a canvas is painted, 0 to 1, and in how many colours. */
exports.painted = (canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  let opaque = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 0) continue;
    opaque++;
    colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
  }
  return { part: opaque / (data.length / 4), colours: colours.size };
};

/** Elements that reach out of the window sideways, but for what scrolls by itself; and how wide the document is. */
exports.tooWide = () => {
  const width = window.screen.width; // a phone's window grows with what does not fit
  const out = [...document.body.querySelectorAll('*')].filter((element) => {
    const { left, right, width: own } = element.getBoundingClientRect();
    const spilt = getComputedStyle(element).overflowX === 'visible' ? left + element.scrollWidth : 0;
    const scrolls = element.parentElement.closest('.scroll') || element.closest('.aside');
    return own > 0 && (Math.max(right, spilt) > width + 1 || left < -1) && !scrolls;
  });
  const names = out.map((element) => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`);
  return { width: document.documentElement.scrollWidth, names };
};

/** What the keyboard can be on, as far as it is to be seen; each gets a mark when it is reached. */
exports.markReached = () => {
  document.addEventListener('focusin', ({ target }) => target.setAttribute('data-reached', ''));
};
exports.unreached = () =>
  [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
    .filter((element) => element.checkVisibility() && !element.hasAttribute('data-reached'))
    .map((element) => `${element.tagName} ${element.id} ${element.textContent.slice(0, 40)}`);

/** The element that has the focus: whether it is to be seen that it has. */
exports.focused = () => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { top, bottom, left, right, width, height } = element.getBoundingClientRect();
  const within = bottom > 0 && right > 0 && top < window.innerHeight && left < window.innerWidth;
  return {
    name: `${element.tagName.toLowerCase()}#${element.id} ${element.textContent.slice(0, 40)}`,
    id: element.id,
    nowhere: element === document.body,
    seen: within && width > 0 && height > 0 && outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
  };
};

/** Milliseconds from the request to the first text or image; null when there was none. */
exports.firstPaint = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null;

/** Violations of the rules that axe-core has, serious and critical ones; and how many it held to. */
exports.judge = async () => {
  const { violations, passes } = await window.axe.run(document, { resultTypes: ['violations'] });
  const said = violations.map(
    ({ id, impact, nodes }) =>
      `${impact}: ${id}, ${nodes.length} times, first ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`,
  );
  const bad = (text) => /^(serious|critical)/.test(text);
  return { bad: said.filter(bad), mild: said.filter((text) => !bad(text)), passed: passes.length };
};

exports.background = (element) => getComputedStyle(element).backgroundColor;
exports.invalid = (field) => field.validationMessage;

/* What is wrong on purpose. */
exports.unlabel = (label) => label.replaceWith(label.querySelector('select'));
exports.plantWide = () => {
  const wide = document.createElement('p');
  wide.style.width = `${window.screen.width + 100}px`;
  document.body.append(wide);
};
exports.plantScript = () => {
  const script = document.createElement('script');
  script.append('1');
  document.body.append(script);
};
exports.plantRequest = () => {
  fetch('http://example.invalid/').catch(() => undefined);
};
