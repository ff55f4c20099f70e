const MAGIC = /^%%aura(?=\s|$)/;
const ABOVE = /^\s*(#|%(?!%)|$)|^%%(time|timeit|capture)(?=\s|$)/; // what the kernel lets stand above the magic

/** What stands above the spec in a `%%aura` cell. */
export interface Head {
  /** Its lines; the last one has the magic. */
  lines: string[];
  /** Where the spec begins. There is none where the cell ends before. */
  end: number;
}

/** The head of a `%%aura` cell; null for other cells. */
export function headOf(cell: Iterable<string>): Head | null {
  const lines: string[] = [];
  let end = 0;
  for (const line of cell) {
    lines.push(line);
    end += line.length + 1;
    if (MAGIC.test(line)) {
      return { lines, end };
    }
    if (!ABOVE.test(line)) {
      return null;
    }
  }
  return null;
}

/** The lines of a text, one after another. */
export function* linesOf(text: string): Iterable<string> {
  for (let from = 0; ;) {
    const to = text.indexOf('\n', from);
    if (to < 0) {
      yield text.slice(from);
      return;
    }
    yield text.slice(from, to);
    from = to + 1;
  }
}
