import { Text } from '@codemirror/state';
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { Problem } from '../../src/editor/assistant';
import { diagnosticsOf, rangeOf } from '../../src/editor/diagnostics';

const trans = nullTranslator.load('');
const PROBLEM: Problem = {
  code: 'unknown-key',
  message: "step 'a' has no key 'parms'",
  hint: "Write 'params'.",
  line: 2,
  column: 3,
  end_column: 8,
  fix: 'params',
};

function underlined(text: string, place: Partial<Problem>): string {
  const doc = Text.of(text.split('\n'));
  const { from, to } = rangeOf(doc, { ...PROBLEM, ...place });
  return doc.sliceString(from, to);
}

describe('a problem', () => {
  it('is worded as the kernel words it, with its code and its fix', () => {
    const doc = Text.of(['%%aura', '  parms: {}']);
    const [shown, ...more] = diagnosticsOf(doc, { problems: [PROBLEM], by: 'kernel' }, 'cell', trans);
    expect(more).toEqual([]);
    expect(shown).toMatchObject({ from: 9, to: 14, severity: 'error', source: 'unknown-key' });
    expect(shown?.message).toBe("step 'a' has no key 'parms'.\nWrite 'params'.");
    expect(shown?.actions?.map(({ name }) => name)).toEqual(["Write 'params'"]);
  });

  it('has no fix where it has no place or nothing to write', () => {
    const doc = Text.of(['%%aura', '  parms: {}']);
    for (const without of [{ fix: null }, { line: null, column: null, end_column: null }]) {
      const problems = [{ ...PROBLEM, ...without, hint: '' }];
      const [shown] = diagnosticsOf(doc, { problems, by: 'kernel' }, 'cell', trans);
      expect(shown?.actions).toBeUndefined();
      expect(shown?.message).toBe(PROBLEM.message);
    }
  });

  it('of an action that only the notebook can know is a guess of the server', () => {
    const doc = Text.of(['%%aura', '  parms: {}']);
    const problems = [{ ...PROBLEM, code: 'unknown-action' }];
    expect(diagnosticsOf(doc, { problems, by: 'server' }, 'cell', trans)).toEqual([]);
    expect(diagnosticsOf(doc, { problems, by: 'server' }, 'file', trans)[0]?.severity).toBe('warning');
    expect(diagnosticsOf(doc, { problems, by: 'kernel' }, 'cell', trans)[0]?.severity).toBe('error');
  });

  it.each([
    ['%%aura\n  parms: {}', {}, 'parms'],
    ['%%aura\nx: 😀 城 {{ a }}', { column: 11, end_column: 12 }, 'a'],
    ['%%aura\nx: "👩‍👩‍👧", y', { column: 13, end_column: 14 }, 'y'],
    ['%%aura\n城: 😀😀', { column: 4, end_column: 6 }, '😀😀'],
    ['%%aura\nx', { column: 2, end_column: 3 }, 'x'], // behind the line's end
    ['%%aura\nx: 1', { column: 2, end_column: null }, ': 1'],
    ['%%aura\n', { column: 1, end_column: 2 }, ''],
    ['%%aura', { line: 9, column: 1, end_column: 3 }, '%%'],
    ['%%aura\nx', { line: null, column: null, end_column: null }, '%%aura'],
  ])('in %j at %j underlines %j', (text, place, found) => {
    expect(underlined(text, place)).toBe(found);
  });
});
