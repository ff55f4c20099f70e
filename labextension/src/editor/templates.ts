import { Parser, type Input, NodeSet, NodeType, type PartialParse, Tree, type TreeFragment } from '@lezer/common';
import { styleTags, tags } from '@lezer/highlight';

/** The words of Jinja2 that are no names. */
const KEYWORDS =
  /^(and|block|call|continue|do|elif|else|endblock|endcall|endfilter|endfor|endif|endmacro|endraw|endset|endwith|filter|for|if|in|is|macro|not|or|raw|recursive|set|with)$/;
const CONSTANTS = /^(true|false|none|True|False|None)$/;
const TOKEN =
  /(?<comment>\{#[^]*?(?:#\}|$))|(?<delimiter>\{\{-?|-?\}\}|\{%-?|-?%\})|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<operator>\*\*|\/\/|[=!<>]=|[-+*/%~<>=|])|(?<dot>\.)/gu;

const names = [
  'Template',
  'Delimiter',
  'Keyword',
  'Constant',
  'Root',
  'Property',
  'Filter',
  'String',
  'Number',
  'Operator',
  'Comment',
] as const;
type Name = (typeof names)[number];

const types = new NodeSet(
  names.map((name, id) => NodeType.define({ id, name: name === 'Template' ? name : `Template${name}` })),
).extend(
  styleTags({
    TemplateDelimiter: tags.special(tags.brace),
    TemplateKeyword: tags.keyword,
    TemplateConstant: tags.bool,
    TemplateRoot: tags.special(tags.variableName),
    TemplateProperty: tags.propertyName,
    TemplateFilter: tags.standard(tags.variableName),
    TemplateString: tags.string,
    TemplateNumber: tags.number,
    TemplateOperator: tags.operator,
    TemplateComment: tags.blockComment,
  }),
);

/** A token of a template: what it is, and where. */
interface Token {
  name: Name;
  from: number;
  to: number;
}

/** The tokens of a template with its braces. */
export function* tokensOf(text: string): Iterable<Token> {
  let before = '';
  for (const found of text.matchAll(TOKEN)) {
    const word = found[0];
    const name = nameOf(found.groups ?? {}, word, before);
    if (name !== null) {
      yield { name, from: found.index, to: found.index + word.length };
    }
    before = word;
  }
}

function nameOf(groups: Record<string, string | undefined>, word: string, before: string): Name | null {
  if (groups.name !== undefined) {
    if (before === '.') {
      return 'Property';
    }
    if (before === '|') {
      return 'Filter';
    }
    return CONSTANTS.test(word) ? 'Constant' : KEYWORDS.test(word) ? 'Keyword' : 'Root';
  }
  const others: Name[] = ['Comment', 'Delimiter', 'String', 'Number', 'Operator'];
  return others.find((other) => groups[other.toLowerCase()] !== undefined) ?? null;
}

const REGION = /\{\{[^]*?\}\}|\{%[^]*?%\}|\{#[^]*?#\}/g;

/** Where templates stand in a text; one that has no end yet is none. */
export function templatesIn(text: string, from = 0): { from: number; to: number }[] {
  return Array.from(text.matchAll(REGION), (found) => ({
    from: from + found.index,
    to: from + found.index + found[0].length,
  }));
}

/** Parses templates for their highlighting. */
class Templates extends Parser {
  override createParse(
    input: Input,
    _fragments: readonly TreeFragment[],
    ranges: readonly { from: number; to: number }[],
  ): PartialParse {
    const children: Tree[] = [];
    const positions: number[] = [];
    const from = ranges[0]?.from ?? 0;
    const to = ranges[ranges.length - 1]?.to ?? 0;
    for (const range of ranges) {
      for (const token of tokensOf(input.read(range.from, range.to))) {
        children.push(new Tree(typeOf(token.name), [], [], token.to - token.from));
        positions.push(range.from - from + token.from);
      }
    }
    return parsed(new Tree(typeOf('Template'), children, positions, to - from), to);
  }
}

function typeOf(name: Name): NodeType {
  return types.types[names.indexOf(name)] ?? NodeType.none;
}

/** A parse that has ended already. */
export function parsed(tree: Tree, end: number): PartialParse {
  return { advance: () => tree, parsedPos: end, stopAt: () => undefined, stoppedAt: null };
}

export const templates: Parser = new Templates();
