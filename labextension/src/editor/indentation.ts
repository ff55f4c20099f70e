import type { IndentContext } from '@codemirror/language';

import type { State } from './tokens';

const UNIT = 2;
const IN_PYTHON = 4;
const OPENS_A_BLOCK = /(^|[:\s])[|>][+-]?\d?[+-]?$/;
const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'].*?):(\s|$)/;
const DASHES = /^((?:- +)*)(-$)?/;

/**
 * Where a line of a spec begins. A line that stands there already stays where it is, but for a closing bracket.
 *
 * @param state - where the reading is at the line's beginning.
 * @param after - what the line holds.
 * @param context - where the line is, or where one is broken.
 */
export function indentationOf(state: State, after: string, context: IndentContext): number | null {
  const closes = /^[\]}]/.test(after);
  const bracket = state.literal === null ? state.brackets.at(-1) : undefined;
  const at = context.simulatedBreak;
  if (at === null) {
    return closes && bracket ? bracket.column : null;
  }
  if (state.isHead) {
    return 0;
  }
  const line = context.state.doc.lineAt(at);
  const before = line.text.slice(0, at - line.from);
  const indent = before.length - before.trimStart().length;
  if (/^%%aura(\s|$)/.test(before) || before.trim() === '') {
    return indent;
  }
  if (state.literal?.indent != null) {
    return indent + (before.trimEnd().endsWith(':') ? (state.literal.key === 'code' ? IN_PYTHON : UNIT) : 0);
  }
  if (bracket && state.quote === '') {
    return closes ? bracket.column : /[[{]\s*$/.test(before) ? bracket.column + UNIT : indentInBrackets(before, indent);
  }
  return below(withoutComment(before), indent);
}

/** A line after one that began inside a bracket stays in its column; after one in which the bracket opened, below it. */
function indentInBrackets(before: string, indent: number): number {
  let depth = 0;
  for (const character of before) {
    depth += /[[{]/.test(character) ? 1 : /[\]}]/.test(character) ? -1 : 0;
  }
  return depth > 0 ? columnOfKey(before) + UNIT : indent;
}

/** Where a line below a line of block style begins. */
function below(line: string, indent: number): number {
  const column = columnOfKey(line);
  const content = line.slice(column);
  if (content.endsWith(':') || OPENS_A_BLOCK.test(content)) {
    return column + UNIT;
  }
  const isPlainItem = column > indent && content !== '' && !KEY.test(content);
  return isPlainItem ? indent : column;
}

/** Where the key of a line begins, behind its dashes. */
function columnOfKey(line: string): number {
  const indent = line.length - line.trimStart().length;
  const [, dashes = '', last = ''] = DASHES.exec(line.slice(indent)) ?? [];
  return indent + dashes.length + (last === '' ? 0 : UNIT);
}

function withoutComment(line: string): string {
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const here = line.charAt(at);
    if (quote !== '') {
      quote = here === quote ? '' : quote;
    } else if ((here === '"' || here === "'") && /^$|[\s,[{:]/.test(line.charAt(at - 1))) {
      quote = here;
    } else if (here === '#' && (at === 0 || /\s/.test(line.charAt(at - 1)))) {
      return line.slice(0, at).trimEnd();
    }
  }
  return line.trimEnd();
}
