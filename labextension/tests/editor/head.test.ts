import { describe, expect, it } from 'vitest';

import { headOf, linesOf } from '../../src/editor/head';

const head = (text: string) => headOf(linesOf(text));

describe('the head of a cell', () => {
  it.each([
    ['%%aura\nsteps:', 1],
    ['%%aura delays -i rate=1 --wait\nsteps:', 1],
    ['# daily\n\n%matplotlib inline\n  # more\n%%aura\nsteps:', 5],
    ['%%time\n%%aura\nsteps:', 2],
    ['%%capture out\n%%aura', 2],
    ['%%aura', 1],
  ])('%j ends with line %i', (text, lines) => {
    const found = head(text);
    expect(found?.lines).toEqual(text.split('\n').slice(0, lines));
    expect(found?.end).toBe([...text.split('\n').slice(0, lines)].join('\n').length + 1);
  });

  it.each([
    '',
    'x = 1',
    'x = 1\n%%aura\nsteps:',
    '%%auras\nsteps:',
    '%aura run x.yaml',
    ' %%aura\nsteps:',
    '%%bash\n%%aura',
    'print("""\n%%aura\n""")',
    '# only a comment',
  ])('%j has none', (text) => {
    expect(head(text)).toBeNull();
  });

  it('is found without reading on', () => {
    const read: string[] = [];
    const lines = function* () {
      for (const line of ['x = 1', 'never', 'read']) {
        read.push(line);
        yield line;
      }
    };
    expect(headOf(lines())).toBeNull();
    expect(read).toEqual(['x = 1']);
  });
});
