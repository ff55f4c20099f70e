import type { StreamParser, StringStream } from '@codemirror/language';
import { tags } from '@lezer/highlight';

import type { Template } from './templates';
import { beginTemplate, endTemplate, templateToken } from './templates';

/** A text of several lines, after `|` or `>`. */
interface Literal {
  readonly key: string;
  /** Its lines are further in than this. */
  readonly parent: number;
  /** Where its lines begin, once there is one. */
  indent: number | null;
}

/** A bracket that is open. */
interface Bracket {
  readonly closing: string;
  /** Where the key begins that it is the value of, or its line. */
  readonly column: number;
}

/** Where the reading of a spec is. */
export interface State {
  /** Above the magic, or in a file above everything that is no comment. */
  isHead: boolean;
  literal: Literal | null;
  brackets: Bracket[];
  quote: '"' | "'" | '';
  template: Template | null;
  /** The last key, and where it or the dash of its item begins. */
  key: string;
  column: number;
  /** Whether a key may come next. */
  maybeKey: boolean;
  /** Inside a text without quotes. */
  isPlain: boolean;
}

// no two parts may take the same white space in turns: a line may hold a million blanks, and is read as a page is drawn
const QUOTED_KEY = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?=\s*:(?:\s|$|[,[\]{}]))/;
const BLOCK_KEY = /^(?:[^\s"'[\]{},&*!|>%@`#?-]|[-?](?=\S))(?:\s*(?:[^\s:#]|:(?=\S)|(?<!\s)#))*?(?=\s*:(?:\s|$))/;
const FLOW_KEY = /^(?:[^\s"'[\]{},&*!|>%@`#?:-]|-(?=\S))(?:\s*[^\s:#,[\]{}])*?(?=\s*:(?:\s|$|[,[\]{}]))/;
const PLAIN = /^(?:[^\s:#{]|:(?=\S)|#|\{(?![{%#])|\s+(?![\s#]|$))+/;
const PLAIN_IN_FLOW = /^(?:[^\s:#,[\]{}]|:(?=[^\s,[\]{}])|#|\s+(?![\s#]|$))+/;
const HEADER = /^[|>](?:[+-]?[1-9]?|[1-9][+-])(?=\s*$|\s+#)/;
const NUMBER = /^[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const CONSTANT = /^(?:true|false|True|False|TRUE|FALSE|null|Null|NULL|~)$/;
const CONDITIONS = new Set(['for_each', 'loop', 'times', 'until', 'when', 'while']); // with or without braces

/** Reads specs line by line. What is read once is kept, so that typing costs a few lines. */
export const specTokens: StreamParser<State> = {
  name: 'aura-yaml',
  startState: () => ({
    isHead: true,
    literal: null,
    brackets: [],
    quote: '',
    template: null,
    key: '',
    column: 0,
    maybeKey: true,
    isPlain: false,
  }),
  copyState: (state) => ({
    ...state,
    literal: state.literal && { ...state.literal },
    brackets: [...state.brackets],
    template: state.template && { ...state.template },
  }),
  token: (stream, state) => {
    if (stream.sol()) {
      beginLine(stream, state);
    }
    return state.template ? inTemplate(stream, state, state.template) : outside(stream, state);
  },
  languageData: { commentTokens: { line: '#' }, indentOnInput: /^\s*[\]}]$/ },
  tokenTable: {
    magic: tags.meta,
    comment: tags.lineComment,
    key: tags.definition(tags.propertyName),
    text: tags.content,
    string: tags.string,
    blockHeader: tags.special(tags.string),
    number: tags.number,
    constant: tags.bool,
    separator: tags.separator,
    bracket: tags.bracket,
    label: tags.labelName,
    typeName: tags.typeName,
    delimiter: tags.special(tags.brace),
    keyword: tags.keyword,
    root: tags.special(tags.variableName),
    property: tags.propertyName,
    filter: tags.standard(tags.variableName),
    operator: tags.operator,
  },
};

function beginLine(stream: StringStream, state: State): void {
  state.maybeKey = true;
  state.isPlain = false;
  if (state.template && (state.template.closing === '' || (!state.literal && !state.quote))) {
    state.template = null; // a text without quotes ends with its line
  }
  const { literal } = state;
  const indent = stream.indentation();
  if (literal === null || /^\s*$/.test(stream.string)) {
    return;
  }
  if (literal.indent === null && indent > literal.parent) {
    literal.indent = indent;
  } else if (literal.indent === null || indent < literal.indent) {
    state.literal = state.template = null;
  }
}

function inTemplate(stream: StringStream, state: State, template: Template): string | null {
  if (endTemplate(stream, template)) {
    state.template = null;
    return template.closing === '#}' ? 'comment' : 'delimiter';
  }
  const ends =
    state.quote !== '' ? stream.peek() === state.quote : template.closing === '' && isEndOfPlain(stream, state);
  if (ends) {
    state.template = null;
    return outside(stream, state);
  }
  return templateToken(stream, template);
}

function isEndOfPlain(stream: StringStream, state: State): boolean {
  const rest = stream.string.slice(stream.pos);
  return /^\s+(#|$)/.test(rest) || (state.brackets.length > 0 && /^[,\]}]/.test(rest));
}

function outside(stream: StringStream, state: State): string | null {
  if (state.quote !== '') {
    return inQuotes(stream, state, state.quote);
  }
  if (state.literal !== null) {
    return text(stream, state, /^(?:[^{]|\{(?![{%#]))+/, 'text');
  }
  if (stream.eatSpace()) {
    return null;
  }
  if (stream.peek() === '#' && (stream.pos === 0 || /\s/.test(stream.string.charAt(stream.pos - 1)))) {
    stream.skipToEnd();
    return 'comment';
  }
  if (state.isHead) {
    state.isHead = stream.peek() === '%' && !/^%%aura(\s|$)/.test(stream.string);
    if (stream.peek() === '%') {
      stream.skipToEnd();
      return 'magic';
    }
  }
  return structure(stream, state) ?? value(stream, state);
}

/** Dashes, keys, colons and brackets. */
function structure(stream: StringStream, state: State): string | null {
  const inFlow = state.brackets.length > 0;
  if (!inFlow && state.maybeKey && stream.match(/^[-?](?=\s|$)/)) {
    state.column = stream.pos - 1;
    state.key = '';
    return 'separator';
  }
  if (!inFlow && stream.pos === 0 && stream.match(/^(?:---|\.\.\.)(?=\s|$)/)) {
    return 'magic';
  }
  if (state.maybeKey) {
    const from = stream.pos;
    if (stream.match(QUOTED_KEY) ?? stream.match(inFlow ? FLOW_KEY : BLOCK_KEY)) {
      state.key = stream.string.slice(from, stream.pos);
      state.column = inFlow ? state.column : from;
      state.maybeKey = false;
      return 'key';
    }
  }
  if (stream.match(/^:(?=\s|$|[,[\]{}"'])/)) {
    state.maybeKey = state.isPlain = false;
    return 'separator';
  }
  const bracket = stream.peek() ?? '';
  if (!state.isPlain && (bracket === '[' || bracket === '{')) {
    stream.next();
    state.brackets.push({ closing: bracket === '[' ? ']' : '}', column: inFlow ? stream.indentation() : state.column });
    state.maybeKey = true;
    state.key = '';
    return 'bracket';
  }
  if (inFlow && /[\]},]/.test(bracket)) {
    stream.next();
    state.isPlain = false;
    if (bracket === ',') {
      state.maybeKey = true;
      state.key = '';
    } else if (state.brackets.some(({ closing }) => closing === bracket)) {
      while (state.brackets.pop()?.closing !== bracket);
    }
    return bracket === ',' ? 'separator' : 'bracket';
  }
  return null;
}

/** A value, up to where something else begins. */
function value(stream: StringStream, state: State): string | null {
  const inFlow = state.brackets.length > 0;
  const isFirst = !state.isPlain;
  if (isFirst) {
    const quote = stream.peek();
    if (quote === '"' || quote === "'") {
      stream.next();
      state.quote = quote;
      return 'string';
    }
    if (!inFlow && stream.match(HEADER)) {
      state.literal = { key: state.key, parent: state.column, indent: null };
      return 'blockHeader';
    }
    if (stream.match(/^[&*][^\s,[\]{}]+/)) {
      return 'label';
    }
    if (stream.match(/^![^\s,[\]{}]*/)) {
      return 'typeName';
    }
  }
  state.maybeKey = false;
  state.isPlain = true;
  const from = stream.pos;
  const style = text(stream, state, inFlow ? PLAIN_IN_FLOW : PLAIN, 'text');
  const whole = isFirst && style === 'text' && /^\s*(#|$|[,\]}])/.test(stream.string.slice(stream.pos));
  const word = stream.string.slice(from, stream.pos);
  if (whole && NUMBER.test(word)) {
    return 'number';
  }
  if (whole && CONSTANT.test(word)) {
    return 'constant';
  }
  if (isFirst && style === 'text' && CONDITIONS.has(state.key) && !word.includes('{')) {
    stream.pos = from;
    state.template = { closing: '', before: '' };
    return templateToken(stream, state.template);
  }
  return style;
}

function inQuotes(stream: StringStream, state: State, quote: '"' | "'"): string {
  if (stream.peek() === quote && !(quote === "'" && stream.match("''", false))) {
    stream.next();
    state.quote = '';
    return 'string';
  }
  const inside = quote === '"' ? /^(?:[^"\\{]|\\.|\\$|\{(?![{%#]))+/ : /^(?:[^'{]|''|\{(?![{%#]))+/;
  return text(stream, state, inside, 'string');
}

/** A piece of text, or the beginning of a template in it. */
function text(stream: StringStream, state: State, piece: RegExp, style: string): string {
  const template = state.brackets.length > 0 && state.quote === '' ? null : beginTemplate(stream);
  if (template !== null) {
    state.template = template;
    return template.closing === '#}' ? 'comment' : 'delimiter';
  }
  if (!stream.match(piece)) {
    stream.next();
  }
  return style;
}
