import { ensureSyntaxTree, foldable, getIndentUnit } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import type { Tree } from '@lezer/common';
import { highlightTree, tagHighlighter, tags } from '@lezer/highlight';
import { describe, expect, it } from 'vitest';

import { auraLanguage, auraYaml } from '../../src/editor/language';

const CLASSES = tagHighlighter([
  { tag: tags.meta, class: 'magic' },
  { tag: tags.comment, class: 'comment' },
  { tag: tags.definition(tags.propertyName), class: 'key' },
  { tag: tags.string, class: 'string' },
  { tag: tags.special(tags.string), class: 'header' },
  { tag: tags.labelName, class: 'label' },
  { tag: tags.content, class: 'text' },
  { tag: tags.special(tags.brace), class: 'delimiter' },
  { tag: tags.keyword, class: 'keyword' },
  { tag: tags.special(tags.variableName), class: 'root' },
  { tag: tags.propertyName, class: 'property' },
  { tag: tags.standard(tags.variableName), class: 'filter' },
  { tag: tags.number, class: 'number' },
  { tag: tags.bool, class: 'constant' },
]);

function state(doc: string): EditorState {
  return EditorState.create({ doc, extensions: auraYaml() });
}

/** The nodes of a tree, each with its place. */
function namesOf(tree: Tree): string[] {
  const names: string[] = [];
  tree.iterate({
    enter: ({ name, from, to }) => {
      names.push(`${name} ${from}-${to}`);
    },
  });
  return names;
}

/** Each piece of a text that has a colour. */
function painted(doc: string): string[] {
  const found: string[] = [];
  highlightTree(auraLanguage.parser.parse(doc), CLASSES, (from, to, name) => {
    found.push(`${name} ${doc.slice(from, to)}`);
  });
  return found;
}

/** To look at each blank once for each of them would take an hour. */
const BLANKS = ' '.repeat(1_000_000);

describe('the language of %%aura cells', () => {
  it.each([
    ['block', `%%aura\nsteps${BLANKS}x\n- a: b`],
    ['flow', `%%aura\na: {steps${BLANKS}x}\n- a: b`],
    ['quotes', `%%aura\n"steps"${BLANKS}x\n- a: b`],
  ])('reads a line of blanks in %s style once', (_, doc) => {
    expect(painted(doc).slice(-2)).toEqual(['key a', 'text b']);
  });

  it('paints the magic, YAML below it, and templates in its texts', () => {
    expect(painted('# daily\n%matplotlib inline\n%%aura delays\nsteps:\n  - name: a  # first\n')).toEqual([
      'comment # daily',
      'magic %matplotlib inline',
      'magic %%aura delays',
      'key steps',
      'key name',
      'text a',
      'comment # first',
    ]);
  });

  it.each([
    [
      'x: "{{ inputs.rate | round(2) }}"',
      [
        'key x',
        'string "',
        'delimiter {{',
        'root inputs',
        'property rate',
        'filter round',
        'number 2',
        'delimiter }}',
        'string "',
      ],
    ],
    [
      "x: a {% if not b %}'q'{% endif %}",
      [
        'key x',
        'text a ',
        'delimiter {%',
        'keyword if',
        'keyword not',
        'root b',
        'delimiter %}',
        "text 'q'",
        'delimiter {%',
        'keyword endif',
        'delimiter %}',
      ],
    ],
    ['x: "{# no {{ #}"', ['key x', 'string "', 'comment {# no {{ #}', 'string "']],
    [
      'x: "{{ none }} {{ open"',
      [
        'key x',
        'string "',
        'delimiter {{',
        'constant none',
        'delimiter }}',
        'string  ',
        'delimiter {{',
        'root open',
        'string "',
      ],
    ],
    [
      'x: |\n  line {{ a.b }}\n  more',
      ['key x', 'text   line ', 'delimiter {{', 'root a', 'property b', 'delimiter }}', 'text   more'],
    ],
  ])('paints the templates of %j', (text, pieces) => {
    const all = painted(`%%aura\n${text}`).slice(1);
    expect(all.filter((piece) => !piece.includes('|'))).toEqual(pieces);
  });

  it.each([
    ['"a b": 1', ['key "a b"', 'number 1']],
    ["'it''s': x", ["key 'it''s'", 'text x']],
    ['a b: http://x:80/y', ['key a b', 'text http://x:80/y']],
    ['url: a#b # c', ['key url', 'text a#b', 'comment # c']],
    ['x: {a: 1, "b": [c, 2.5], d}', ['key x', 'key a', 'number 1', 'key "b"', 'text c', 'number 2.5', 'text d']],
    ['- - a: true', ['key a', 'constant true']],
    ['x: true or so', ['key x', 'text true or so']],
    ['x: 30s', ['key x', 'text 30s']],
    ['-x: -1', ['key -x', 'number -1']],
    ['x: &one {a: *one}', ['key x', 'label &one', 'key a', 'label *one']],
    ['x: "a\\" # b: c"', ['key x', 'string "a\\" # b: c"']],
    ['x: "one\n  two: 2"\ny: 3', ['key x', 'string "one', 'string   two: 2"', 'key y', 'number 3']],
    ['x: |\n  a: {b}\n\n  # c\ny: 3', ['key x', 'text   a: {b}', 'text   # c', 'key y', 'number 3']],
    ['- x: >-\n    a\n  y: 3', ['key x', 'text     a', 'key y', 'number 3']],
    ['- |\n  a: 1\n- b', ['text   a: 1', 'text b']],
    ['x: {\n  a: 1,\n}\ny: 2', ['key x', 'key a', 'number 1', 'key y', 'number 2']],
    ['when: inputs.n > 3 # c', ['key when', 'root inputs', 'property n', 'number 3', 'comment # c']],
    ['{when: not a, x: b}', ['key when', 'keyword not', 'root a', 'key x', 'text b']],
    ['for_each: [1, a]', ['key for_each', 'number 1', 'text a']],
    ['when: "{{ a }}"', ['key when', 'string "', 'delimiter {{', 'root a', 'delimiter }}', 'string "']],
    ['x: "{{ a[\'b\'] }}"', ['key x', 'string "', 'delimiter {{', 'root a', "string 'b'", 'delimiter }}', 'string "']],
    [
      'x: "{{ a[\\"b\\"] }}"',
      ['key x', 'string "', 'delimiter {{', 'root a', 'string \\"b\\"', 'delimiter }}', 'string "'],
    ],
    ['x: "{{ a"\ny: 1', ['key x', 'string "', 'delimiter {{', 'root a', 'string "', 'key y', 'number 1']],
    ['x: a {{ b\ny: 1', ['key x', 'text a ', 'delimiter {{', 'root b', 'key y', 'number 1']],
    ['x: 😀 城 {{ é }}', ['key x', 'text 😀 城 ', 'delimiter {{', 'root é', 'delimiter }}']],
  ])('reads %j as YAML does', (text, pieces) => {
    const all = painted(`%%aura\n${text}`).slice(1);
    expect(all.filter((piece) => !piece.startsWith('header'))).toEqual(pieces);
  });

  it('reads whatever is typed, to its end', () => {
    const pieces = [
      '{{',
      '}}',
      '{%',
      '%}',
      '{#',
      '"',
      "'",
      '\\',
      '[',
      ']',
      '{',
      '}',
      ',',
      ':',
      ': ',
      '- ',
      '|',
      '>',
      '#',
    ];
    const more = [
      ' #',
      '\n',
      '\n  ',
      '\n\n',
      'a',
      'when',
      '1',
      '&',
      '*',
      '!',
      '?',
      '%',
      '---',
      '😀',
      '\t',
      '.',
      '@',
      '`',
    ];
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    for (let round = 0; round < 3000; round++) {
      const all = [...pieces, ...more];
      const text = Array.from({ length: random(30) }, () => all[random(all.length)] ?? '').join('');
      expect(auraLanguage.parser.parse(`%%aura\n${text}`).length).toBe(text.length + 7);
    }
  });

  it('takes a text without the magic for a spec as a whole, as in a file', () => {
    expect(painted('# about\nsteps: []')).toEqual(['comment # about', 'key steps']);
  });

  it('knows how a comment is written in the head, in the spec, and inside a template', () => {
    const cell = state('%%aura\nsteps:\n  - name: "{{ a }}"\n');
    for (const at of [0, 8, 14, cell.doc.toString().indexOf('a }}')]) {
      expect(cell.languageDataAt('commentTokens', at)).toEqual([{ line: '#' }]);
    }
  });

  it('folds a list, an item and a mapping of a spec', () => {
    const doc = '%%aura\nsteps:\n  - name: a\n    params:\n      x: 1\n      y: 2\n  - name: b\n';
    const cell = state(doc);
    const folds = (text: string) => {
      const line = cell.doc.lineAt(doc.indexOf(text));
      const range = foldable(cell, line.from, line.to);
      return range && doc.slice(range.from, range.to);
    };
    expect(folds('steps:')).toBe('\n  - name: a\n    params:\n      x: 1\n      y: 2\n  - name: b');
    expect(folds('- name: a')).toBe('\n    params:\n      x: 1\n      y: 2');
    expect(folds('params:')).toBe('\n      x: 1\n      y: 2');
    expect(folds('x: 1')).toBeNull();
    expect(folds('%%aura')).toBeNull();
  });

  it('reads on where it was read before, and gives the same', () => {
    const lines = Array.from({ length: 100 }, (_, n) => `  - name: "step ${n}"\n    params: {x: "{{ a.b }}"}`);
    const before = state(`%%aura\nsteps:\n${lines.join('\n')}\n`);
    ensureSyntaxTree(before, before.doc.length, 10_000);
    const at = before.doc.toString().indexOf('step 50');
    const after = before.update({ changes: { from: at, insert: '{{ c }} ' } }).state;
    const read = ensureSyntaxTree(after, after.doc.length, 10_000);
    expect(read && namesOf(read)).toEqual(namesOf(auraLanguage.parser.parse(after.doc.toString())));
  });

  it('indents by two', () => {
    expect(getIndentUnit(state('%%aura'))).toBe(2);
  });
});
