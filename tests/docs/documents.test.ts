import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROBLEMS } from '../../shared/domain/problem';
import { asShown, DOCUMENTS, documentNamed, isAsShown, proseOf, ROOT } from './markdown';

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const anchorsOf = (file: string) =>
  [...proseOf(documentNamed(file)).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));

describe.each(DOCUMENTS)('%s', (document) => {
  const text = documentNamed(document);

  it('links to files and headings that are there', () => {
    const links = [...proseOf(text).matchAll(/\]\(([^)]+)\)/g)]
      .map(([, link]) => link!)
      .filter((link) => !/^https?:/.test(link));
    const broken = links.filter((link) => {
      const [path, anchor] = link.split('#') as [string, string?];
      const file = path === '' ? document : join(dirname(document), path);
      return !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('names npm scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const named = [...text.matchAll(/npm run ([a-z:]+)|npm (start|test)\b/g)].map(([, name, own]) => (name ?? own)!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('wraps its prose at about 120', () => {
    const byHand = text.replace(/<!-- bench:start -->.*<!-- bench:end -->/s, ''); // the rest is what npm run bench writes
    const long = proseOf(byHand)
      .split('\n')
      .filter((line) => line.length > 125 && !/^ *\||https?:|<!--/.test(line));
    expect(long).toEqual([]);
  });
});

it('the README names every code of a problem', () => {
  const readme = documentNamed('README.md');
  expect(Object.keys(PROBLEMS).filter((code) => !readme.includes(`\`${code}\``))).toEqual([]);
});

it('the list of documents is whole', () => {
  const files = ['.', 'docs'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => join(folder, file)),
  );
  expect(files.sort()).toEqual([...DOCUMENTS].sort());
});

describe('an answer that is shown', () => {
  it('fits what it stands for, and nothing else', () => {
    expect(isAsShown('at 12:00 h', 'at … h')).toBe(true);
    expect(isAsShown('at 12:00 h', 'at … m')).toBe(false);
    expect(asShown({ a: 'x1', b: [1, 'y'] }, { a: 'x…', b: [1, '…'] })).toEqual({ a: 'x…', b: [1, '…'] });
    expect(asShown({ a: 1, more: 2 }, { a: '…' })).toEqual({ a: 1, more: 2 });
  });
});
