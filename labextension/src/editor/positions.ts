/** The kernel counts characters (Unicode code points), an editor UTF-16 units: 😀 is one of those and two of these. */

/** How many code points a text has. */
export function length(text: string): number {
  let points = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    if (isPair(text, at)) {
      points--;
      at++;
    }
  }
  return points;
}

/** Where in a text so many code points end, in UTF-16 units; the text's end where it has fewer. */
export function unitsOf(text: string, points: number): number {
  let at = 0;
  for (; points > 0 && at < text.length; points--) {
    at += isPair(text, at) ? 2 : 1;
  }
  return at;
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
}
