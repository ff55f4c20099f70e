import type { StringStream } from '@codemirror/language';

/** The words of Jinja2 that are no names. */
const KEYWORDS = new Set(
  (
    'and block call continue do elif else endblock endcall endfilter endfor endif endmacro endraw endset endwith ' +
    'filter for if in is macro not or raw recursive set with'
  ).split(' '),
);
const CONSTANTS = /^(true|false|none|True|False|None)$/;
const OPENINGS: Record<string, Closing> = { '{{': '}}', '{%': '%}', '{#': '#}' };

/** What ends a template; a condition that is written without braces ends with its line. */
export type Closing = '}}' | '%}' | '#}' | '';

/** Where the reading of a template is. */
export interface Template {
  readonly closing: Closing;
  /** The token before, if it was a dot or a bar. */
  before: string;
}

/** Read the beginning of a template, if one begins here. */
export function beginTemplate(stream: StringStream): Template | null {
  const closing = OPENINGS[stream.string.slice(stream.pos, stream.pos + 2)];
  if (closing === undefined) {
    return null;
  }
  stream.match(/^\{[{%#]-?/);
  return { closing, before: '' };
}

/** Whether the end of a template is here; it is read then. */
export function endTemplate(stream: StringStream, { closing }: Template): boolean {
  return closing !== '' && stream.match(closing === '}}' ? /^-?\}\}/ : closing === '%}' ? /^-?%\}/ : /^-?#\}/) !== null;
}

/** Read a token inside a template and give the name of its style. */
export function templateToken(stream: StringStream, template: Template): string | null {
  const { before } = template;
  if (template.closing === '#}') {
    stream.match(/^(?:(?!#\}).)+/);
    return 'comment';
  }
  if (stream.eatSpace()) {
    return null;
  }
  template.before = '';
  if (stream.match(/^\\?"(?:[^"\\]|\\[^"])*\\?"|^'(?:[^'\\]|\\.)*'/)) {
    return 'string';
  }
  if (stream.match(/^\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?/)) {
    return 'number';
  }
  const [word] = (stream.match(/^[\p{L}_][\p{L}\p{N}_]*/u) ?? ['']) as [string];
  if (word !== '') {
    return before === '.' ? 'property' : before === '|' ? 'filter' : styleOf(word);
  }
  template.before = stream.next() ?? '';
  return /[-+*/%~<>=!|]/.test(template.before) ? 'operator' : null;
}

function styleOf(word: string): string {
  return CONSTANTS.test(word) ? 'constant' : KEYWORDS.has(word) ? 'keyword' : 'root';
}
