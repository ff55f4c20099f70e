import { type IndentContext, indentService, syntaxTree } from '@codemirror/language';
import type { EditorState, Line } from '@codemirror/state';
import { Prec } from '@codemirror/state';
import type { SyntaxNode } from '@lezer/common';

const UNIT = 2;
const IN_PYTHON = 4;
const OPENS_A_BLOCK = /(^|[:\s])[|>][+-]?\d?[+-]?$/;
const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'].*?):(\s|$)/;
const DASHES = /^((?:- +)*)(-$)?/;

/** Where a line of a spec begins. A line that stands there already is left where it is, but for a closing bracket. */
export const indentation = Prec.high(
  indentService.of((context, pos) => {
    const line = context.state.doc.lineAt(pos);
    if (context.simulatedBreak !== pos) {
      return closes(line.text) ? ofOpening(context.state, line) : context.lineIndent(pos);
    }
    return afterBreak(context, line, pos);
  }),
);

function afterBreak(context: IndentContext, line: Line, pos: number): number {
  const { state } = context;
  const before = line.text.slice(0, pos - line.from);
  const indent = before.length - before.trimStart().length;
  const node = syntaxTree(state).resolveInner(pos, -1);
  const text = inner(node, 'BlockLiteral');
  if (text !== null && line.from > text.from) {
    return indent + (before.trimEnd().endsWith(':') ? (isPython(state, text) ? IN_PYTHON : UNIT) : 0);
  }
  if (isAbove(node) || before.trim() === '') {
    return isAbove(node) ? 0 : indent;
  }
  const closing = closes(line.text.slice(pos - line.from));
  const flow = inner(node, 'FlowMapping') ?? inner(node, 'FlowSequence');
  if (flow !== null && flow.from < pos && (flow.to > pos || isOpen(state, flow))) {
    const opening = state.doc.lineAt(flow.from);
    const base = columnOfKey(opening.text);
    return closing ? base : flow.from >= line.from ? base + UNIT : indent;
  }
  return below(withoutComment(before), indent);
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
    } else if ((here === '"' || here === "'") && /(^|[\s,[{:])$/.test(line.slice(0, at))) {
      quote = here;
    } else if (here === '#' && (at === 0 || /\s/.test(line.charAt(at - 1)))) {
      return line.slice(0, at).trimEnd();
    }
  }
  return line.trimEnd();
}

function closes(line: string): boolean {
  return /^\s*[\]}]/.test(line);
}

/** Where the line begins that a closing bracket belongs to. */
function ofOpening(state: EditorState, line: Line): number | null {
  const at = line.from + (line.text.length - line.text.trimStart().length) + 1;
  const node = syntaxTree(state).resolveInner(at, -1);
  const flow = inner(node, 'FlowMapping') ?? inner(node, 'FlowSequence');
  return flow === null ? null : columnOfKey(state.doc.lineAt(flow.from).text);
}

/** Whether a bracket has no end yet. */
function isOpen(state: EditorState, flow: SyntaxNode): boolean {
  return !/[\]}]$/.test(state.sliceDoc(flow.from, flow.to));
}

function isAbove(node: SyntaxNode): boolean {
  return inner(node, 'Head') !== null;
}

function isPython(state: EditorState, text: SyntaxNode): boolean {
  const pair = inner(text, 'Pair');
  const key = pair?.getChild('Key');
  return key != null && state.sliceDoc(key.from, key.to) === 'code';
}

/** The innermost node of a name around a node, itself included. */
function inner(node: SyntaxNode, name: string): SyntaxNode | null {
  for (let at: SyntaxNode | null = node; at !== null; at = at.parent) {
    if (at.name === name) {
      return at;
    }
  }
  return null;
}
