import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type Document, documents, ROOT } from '../../support/documents.ts';

const all = documents();
const byPath = new Map(all.map((document) => [document.path, document]));

/** Why a link within the repository leads nowhere; undefined: it leads somewhere. */
function fault({ path, anchors }: Document, link: string): string | undefined {
  const [target = '', anchor] = decodeURI(link).split('#');
  const file = target === '' ? path : normalize(join(dirname(path), target));
  if (!existsSync(join(ROOT, file))) return `${link}: there is no ${file}`;
  if (anchor === undefined || /^L\d+$/.test(anchor)) return undefined;
  const known = file === path ? anchors : byPath.get(file)?.anchors;
  return known?.has(anchor) === false ? `${link}: ${file} has no heading of this name` : undefined;
}

describe('links between documents', () => {
  test.each(all.map((document) => [document.path, document] as const))('of %s lead somewhere', (_, page) => {
    const within = page.links.filter((link) => !/^[a-z]+:/.test(link));
    expect(within.flatMap((link) => fault(page, link) ?? [])).toEqual([]);
  });

  test('README.md leads to every document for people', () => {
    const linked = new Set(byPath.get('README.md')?.links);
    const paths = all.map(({ path }) => path).filter((path) => !/^docs\/adr\//.test(path));
    const missing = paths.filter((path) => path !== 'README.md' && !linked.has(path));
    // Of the command line, of the changelog's readers and of those who change the code: reached from other documents.
    expect(missing.filter((path) => !/^(CHANGELOG\.md|docs\/cli-.+\.md)$/.test(path))).toEqual([]);
  });
});
