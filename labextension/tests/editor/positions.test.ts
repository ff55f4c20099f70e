import { describe, expect, it } from 'vitest';

import { length, unitsOf } from '../../src/editor/positions';

describe('positions', () => {
  it.each([
    ['plain', 5, 5],
    ['', 0, 0],
    ['城市', 2, 2],
    ['😀', 1, 2],
    ['a😀城😀b', 5, 7],
    ['👩‍👩‍👧', 5, 8], // three faces and two joiners
    ['e\u0301', 2, 2], // a letter and a combining accent
  ])('%j has %i code points in %i units', (text, points, units) => {
    expect(length(text)).toBe(points);
    expect(text.length).toBe(units);
    expect(unitsOf(text, points)).toBe(units);
  });

  it('agrees with the code points that JavaScript iterates over, at each place of a text', () => {
    const text = 'x: "😀 城 {{ inputs.a😀 }}" # 👩‍👩‍👧';
    const points = Array.from(text);
    points.forEach((_, count) => {
      const before = points.slice(0, count).join('');
      expect(unitsOf(text, count)).toBe(before.length);
      expect(length(before)).toBe(count);
    });
  });

  it('ends at the end of a text, and counts half a pair as one', () => {
    expect(unitsOf('ab', 9)).toBe(2);
    expect(length('\ud83d')).toBe(1);
    expect(length('\ud83dx')).toBe(2);
    expect(unitsOf('\ud83dx', 1)).toBe(1);
  });
});
