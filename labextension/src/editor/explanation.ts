/** A piece of what is said of a place: a paragraph, or keys with what each means. */
export type Piece = { readonly text: string } | { readonly rows: readonly (readonly [string, string])[] };

/** What is said of a place, as the kernel words it: a title, an empty line, and more. */
export interface Explanation {
  readonly title: string;
  readonly pieces: readonly Piece[];
}

const ROW = /^ {2}(\S+) {2,}(.*)$/;

/** The parts of what the kernel says. */
export function explanationOf(text: string): Explanation {
  const [title = '', ...rest] = text.split('\n');
  const pieces = rest
    .join('\n')
    .split(/\n[ \t]*\n/)
    .map((paragraph) => paragraph.replace(/^\n+/, '').trimEnd())
    .filter((paragraph) => paragraph !== '')
    .map(pieceOf);
  return { title, pieces };
}

function pieceOf(paragraph: string): Piece {
  const rows = paragraph.split('\n').map((line) => ROW.exec(line));
  if (!rows.every((row) => row !== null)) {
    return { text: paragraph };
  }
  return { rows: rows.map((row) => [row[1] ?? '', row[2] ?? ''] as const) };
}

/** An explanation drawn. Whatever it holds is text. */
export function drawn(explanation: Explanation): HTMLElement {
  const box = element('div', 'aura-Hover');
  box.append(element('div', 'aura-Hover-title', explanation.title));
  for (const piece of explanation.pieces) {
    if ('text' in piece) {
      box.append(element('p', 'aura-Hover-text', piece.text));
      continue;
    }
    const list = element('dl', 'aura-Hover-keys');
    for (const [key, meaning] of piece.rows) {
      list.append(element('dt', '', key), element('dd', '', meaning));
    }
    box.append(list);
  }
  return box;
}

function element(tag: string, name: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}
