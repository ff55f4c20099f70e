import { getIndentation, IndentContext } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';

import { auraYaml } from '../../src/editor/language';

/** Where the next line begins if Enter is pressed at `¦`. */
function afterEnter(text: string): number | null {
  const at = text.indexOf('¦');
  const state = EditorState.create({ doc: text.replace('¦', ''), extensions: auraYaml() });
  return getIndentation(new IndentContext(state, { simulateBreak: at }), at);
}

describe('indentation', () => {
  it.each([
    ['%%aura¦', 0],
    ['%%aura¦\nsteps:', 0],
    ['# x\n%%aura\nsteps:¦', 2],
    ['%%aura\nsteps:¦\n', 2],
    ['%%aura\nsteps:  # of the day¦', 2],
    ['%%aura\nsteps:\n  - name: a¦', 4],
    ['%%aura\nsteps:\n  - name: a¦\n  - name: b', 4],
    ['%%aura\nsteps:\n  - name: a\n    action: b¦', 4],
    ['%%aura\nsteps:\n  - name: a\n    params:¦', 6],
    ['%%aura\nsteps:\n  - params:¦', 6],
    ['%%aura\nsteps:\n  - name: "a: b"¦', 4],
    ['%%aura\nsteps:\n  - name: a\n    params: {x: 1}¦', 4],
    ['%%aura\nsteps:\n  - name: a\n    params: {¦', 6],
    ['%%aura\nsteps:\n  - name: a\n    params: {¦}', 4],
    ['%%aura\nsteps:\n  - name: a\n    params: {\n      x: 1,¦', 6],
    ['%%aura\nsteps:\n  - name: a\n    args: [¦', 6],
    ['%%aura\ninputs:\n  - flights¦', 2],
    ['%%aura\ninputs:\n  - "a: b"¦', 2],
    ['%%aura\ninputs:\n  - ¦', 4],
    ['%%aura\ninputs:\n  -¦', 4],
    ['%%aura\ninputs:\n- flights¦', 0],
    ['%%aura\nsteps:\n- name: a¦', 2],
    ['%%aura\nx: |¦', 2],
    ['%%aura\nx: >-  # folded¦', 2],
    ['%%aura\nsteps:\n  - params:\n      message: |¦', 8],
    ['%%aura\nsteps:\n  - params:\n      message: |\n        one¦', 8],
    ['%%aura\nsteps:\n  - params:\n      message: |\n        - one:¦', 10],
    ['%%aura\nsteps:\n  - params:\n      code: |\n        for x in y:¦', 12],
    ['%%aura\nsteps:\n  - params:\n      code: |\n        for x in y:\n            print(x)¦', 12],
    ['%%aura\nsteps:\n  - name: a\n\n¦', 0],
    ['%%aura\nsteps:\n  - name: a\n    ¦', 4],
    ['%%aura\nsteps:\n  - name: http://x¦', 4],
    ["%%aura\nsteps:\n  - name: it's # no: comment¦", 4],
    ['%%aura\nmeta:\n  title: a # b:¦', 2],
    ['steps:¦', 2],
  ])('after %j the next line begins at %i', (text, column) => {
    expect(afterEnter(text)).toBe(column);
  });

  it('leaves lines that stand there where they are, but for a closing bracket', () => {
    const text = '%%aura\nsteps:\n      - name: a\n        params: {\n          x: 1\n              }\n';
    const state = EditorState.create({ doc: text, extensions: auraYaml() });
    const at = (line: number) => getIndentation(state, state.doc.line(line).from);
    expect([1, 2, 3, 4, 5, 6].map(at)).toEqual([null, null, null, null, null, 8]);
  });
});
