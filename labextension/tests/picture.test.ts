import { describe, expect, it } from 'vitest';

import { asPicture } from '../src/cards/picture';

const picture = { version: 1, task_id: 'a', rows: [] };

describe('what a file holds under our MIME type', () => {
  it('is a picture where its version is known', () => {
    expect(asPicture(picture)).toBe(picture);
  });

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { ...picture, version: 2 },
    { ...picture, rows: 'none' },
    { ...picture, rows: Array(1001).fill({}) },
  ])('is no picture: %j', (data) => {
    expect(asPicture(data)).toBeNull();
  });
});
