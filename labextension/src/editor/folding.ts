import { foldService } from '@codemirror/language';
import type { EditorState, Line } from '@codemirror/state';

/** A line folds what stands further in below it: the value of a key, an item of a list, a text. */
export const folding = foldService.of((state, from, to) => {
  const line = state.doc.lineAt(from);
  const content = line.text.trimStart();
  if (content === '' || content.startsWith('#') || content.startsWith('%')) {
    return null;
  }
  const last = lastBelow(state, line);
  return last === null ? null : { from: to, to: last.to };
});

/** The last line below that belongs to a line; blank lines and comments at the end do not. */
function lastBelow(state: EditorState, line: Line): Line | null {
  const indent = indentOf(line.text);
  const isItem = line.text.charAt(indent) === '-';
  let last: Line | null = null;
  for (let number = line.number + 1; number <= state.doc.lines; number++) {
    const next = state.doc.line(number);
    const content = next.text.trimStart();
    if (content === '' || content.startsWith('#')) {
      continue;
    }
    const depth = indentOf(next.text);
    const isItemOfIt = depth === indent && !isItem && /^-(\s|$)/.test(content) && /:\s*(#.*)?$/.test(line.text);
    if (depth <= indent && !isItemOfIt) {
      break;
    }
    last = next;
  }
  return last;
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}
