import { yamlLanguage } from '@codemirror/lang-yaml';
import {
  codeFolding,
  defineLanguageFacet,
  foldGutter,
  foldKeymap,
  indentUnit,
  Language,
  languageDataProp,
  LanguageSupport,
} from '@codemirror/language';
import { Prec } from '@codemirror/state';
import { keymap } from '@codemirror/view';
import {
  type Input,
  NodeProp,
  NodeSet,
  NodeType,
  parseMixed,
  Parser,
  type PartialParse,
  type SyntaxNodeRef,
  Tree,
  type TreeFragment,
} from '@lezer/common';
import { styleTags, tags } from '@lezer/highlight';

import { headOf, linesOf } from './head';
import { indentation } from './indentation';
import { parsed, templates, templatesIn } from './templates';

/** Of `%%aura` cells and of `*.aura.yaml` files. */
export const MIME = 'text/x-aura-yaml';

const HOLD_TEMPLATES = new Set(['Literal', 'QuotedLiteral', 'BlockLiteralContent']);

/** YAML with Jinja2 in its texts. */
const yaml = yamlLanguage.parser.configure({
  wrap: parseMixed((node, input) => {
    if (!HOLD_TEMPLATES.has(node.name)) {
      return null;
    }
    const overlay = templatesIn(input.read(node.from, node.to), node.from);
    return overlay.length > 0 ? { parser: templates, overlay } : null;
  }),
});

const data = defineLanguageFacet({ commentTokens: { line: '#' }, indentOnInput: /^\s*[\]}]$/ });
const types = new NodeSet([
  NodeType.define({ id: 0, name: 'Aura', top: true, props: [[languageDataProp, data]] }),
  NodeType.define({ id: 1, name: 'Head' }),
  NodeType.define({ id: 2, name: 'Magic' }),
  NodeType.define({ id: 3, name: 'HeadComment' }),
  NodeType.define({ id: 4, name: 'Spec', props: [[NodeProp.isolate, 'auto']] }),
]).extend(styleTags({ Magic: tags.meta, HeadComment: tags.lineComment }));

/** Finds the head of a cell and the spec below it. */
class Cell extends Parser {
  override createParse(
    input: Input,
    _fragments: readonly TreeFragment[],
    ranges: readonly { from: number; to: number }[],
  ): PartialParse {
    const end = ranges[ranges.length - 1]?.to ?? 0;
    const head = headOf(linesOf(input.read(0, end)));
    const from = head === null ? 0 : Math.min(head.end, end);
    const children = head === null ? [] : [headTree(head.lines, from)];
    const positions = head === null ? [] : [0];
    if (from < end) {
      children.push(new Tree(type('Spec'), [], [], end - from));
      positions.push(from);
    }
    return parsed(new Tree(type('Aura'), children, positions, end), end);
  }
}

function headTree(lines: readonly string[], length: number): Tree {
  const children: Tree[] = [];
  const positions: number[] = [];
  let at = 0;
  for (const line of lines) {
    const kind = line.trimStart().startsWith('#') ? 'HeadComment' : 'Magic';
    if (line.trim() !== '') {
      children.push(new Tree(type(kind), [], [], line.length));
      positions.push(at);
    }
    at += line.length + 1;
  }
  return new Tree(type('Head'), children, positions, length);
}

function type(name: string): NodeType {
  return types.types.find((each) => each.name === name) ?? NodeType.none;
}

class WithSpec extends Parser {
  private readonly _cell = new Cell();
  private readonly _wrap = parseMixed((node: SyntaxNodeRef) => (node.name === 'Spec' ? { parser: yaml } : null));

  override createParse(
    input: Input,
    fragments: readonly TreeFragment[],
    ranges: readonly { from: number; to: number }[],
  ): PartialParse {
    return this._wrap(this._cell.startParse(input, fragments, ranges), input, fragments, ranges);
  }
}

/** The language of a cell or a file with a spec. */
export const auraLanguage = new Language(data, new WithSpec(), [], 'aura-yaml');

/** The language with its indentation and folding. */
export function auraYaml(): LanguageSupport {
  return new LanguageSupport(auraLanguage, [
    Prec.highest(indentUnit.of('  ')),
    indentation,
    codeFolding(),
    foldGutter(),
    keymap.of(foldKeymap),
  ]);
}
