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

describe('the language of %%aura cells', () => {
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
      ['key x', 'string "', 'delimiter {{', 'constant none', 'delimiter }}', 'string  {{ open"'],
    ],
    [
      'x: |\n  line {{ a.b }}\n  more',
      ['key x', 'text   line ', 'delimiter {{', 'root a', 'property b', 'delimiter }}', 'text \n  more'],
    ],
  ])('paints the templates of %j', (text, pieces) => {
    const all = painted(`%%aura\n${text}`).slice(1);
    expect(all.filter((piece) => !piece.includes('|'))).toEqual(pieces);
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
