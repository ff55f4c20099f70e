import { describe, expect, it } from 'vitest';

import { explanationOf } from '../../src/editor/explanation';

describe('an explanation', () => {
  it('has a title, paragraphs as they are written, and keys with what they mean', () => {
    const text =
      'retry  (default 1)\n\nTry again.\nOr not.\n\n  attempts  How many.\n  on        What is\n\n  indented:\n    more\n';
    expect(explanationOf(text)).toEqual({
      title: 'retry  (default 1)',
      pieces: [
        { text: 'Try again.\nOr not.' },
        {
          rows: [
            ['attempts', 'How many.'],
            ['on', 'What is'],
          ],
        },
        { text: '  indented:\n    more' },
      ],
    });
  });

  it('may hold any number of blanks', () => {
    const blanks = ' '.repeat(1_000_000);
    expect(explanationOf(`f\n\na${blanks}b${blanks}\n`).pieces).toEqual([{ text: `a${blanks}b` }]);
  });

  it('may be a title alone', () => {
    expect(explanationOf('f(x)')).toEqual({ title: 'f(x)', pieces: [] });
  });
});
