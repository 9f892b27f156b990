import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import GithubSlugger from 'github-slugger';
import type { Code, InlineCode, Node, Parent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { toString as textOf } from 'mdast-util-to-string';

export const ROOT = join(import.meta.dirname, '../..');

/** What becomes of a block of code when the commands of its document are run. */
export type Use =
  /** Commands, in a cluster where the product runs; or in one without it. */
  | { readonly kind: 'run'; readonly place: 'cluster with the product' | 'empty cluster' }
  /** Commands that are not run, and why. */
  | { readonly kind: 'not run'; readonly reason: string }
  /** A file that commands further down use. */
  | { readonly kind: 'file'; readonly name: string }
  /** Something to look at. */
  | { readonly kind: 'shown' };

export interface Block {
  /** Where it begins, such as `docs/install.md:31`. */
  readonly where: string;
  readonly language: string;
  readonly text: string;
  readonly use: Use;
}

export interface Document {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Everything that is set as code, in blocks and in sentences. */
  readonly code: readonly string[];
  /** Anchors of its headings, as GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
  /** Targets of its links and pictures, as written. */
  readonly links: readonly string[];
}

/** Every document for people. Templates are not among them: what is made of them is. */
export function documents(): Document[] {
  const patterns = ['*.md', 'docs/**/*.md', 'charts/*/README.md'];
  return globSync(patterns, { cwd: ROOT }).sort().map(readDocument);
}

export function readDocument(path: string): Document {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const nodes = [...walk(fromMarkdown(text))];
  const slugger = new GithubSlugger();
  return {
    path,
    text,
    blocks: nodes.flatMap(({ node, before }) => (isCode(node) ? [blockOf(path, node, before)] : [])),
    code: nodes.flatMap(({ node }) => (isCode(node) || isInlineCode(node) ? [node.value] : [])),
    anchors: new Set(
      nodes.flatMap(({ node }) => (node.type === 'heading' ? [slugger.slug(textOf(node))] : [])),
    ),
    links: nodes.flatMap(({ node }) => ('url' in node && typeof node.url === 'string' ? [node.url] : [])),
  };
}

interface Visited {
  readonly node: Node;
  /** What stands before it. */
  readonly before: Node | undefined;
}

function* walk(node: Node, before?: Node): Generator<Visited> {
  yield { node, before };
  if (!isParent(node)) return;
  let previous: Node | undefined;
  for (const child of node.children) {
    yield* walk(child, previous);
    previous = child;
  }
}

const isParent = (node: Node): node is Parent => 'children' in node;
const isCode = (node: Node): node is Code => node.type === 'code';
const isInlineCode = (node: Node): node is InlineCode => node.type === 'inlineCode';

function blockOf(path: string, code: Code, before: Node | undefined): Block {
  const language = code.lang ?? '';
  return {
    where: `${path}:${code.position?.start.line ?? 0}`,
    language,
    text: code.value,
    use: useOf(language, commentIn(before)),
  };
}

function commentIn(node: Node | undefined): string {
  if (node?.type !== 'html' || !('value' in node)) return '';
  return /^<!-- (.*) -->$/s.exec(String(node.value))?.[1] ?? '';
}

function useOf(language: string, comment: string): Use {
  const [, word = '', rest = ''] = /^(not run|file): (.+)$/.exec(comment) ?? [];
  if (word === 'file') return { kind: 'file', name: rest };
  if (word === 'not run') return { kind: 'not run', reason: rest };
  if (language !== 'sh') return { kind: 'shown' };
  const isEmpty = comment === 'run in an empty cluster';
  return { kind: 'run', place: isEmpty ? 'empty cluster' : 'cluster with the product' };
}
