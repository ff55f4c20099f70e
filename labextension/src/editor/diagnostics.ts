import type { Action, Diagnostic } from '@codemirror/lint';
import type { Text } from '@codemirror/state';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Findings, Problem } from './assistant';
import { unitsOf } from './positions';

/** Where a spec is written: a cell's functions are known to its kernel only. */
export type Kind = 'cell' | 'file';

/**
 * The problems of a spec as an editor shows them.
 *
 * @param doc - the text that was looked at.
 * @param findings - what was found; lines count from the first line of `doc`.
 * @param kind - where the spec is written.
 * @param trans - for the names of the fixes.
 */
export function diagnosticsOf(doc: Text, findings: Findings, kind: Kind, trans: TranslationBundle): Diagnostic[] {
  const shown: Diagnostic[] = [];
  for (const problem of findings.problems) {
    const isGuess = findings.by === 'server' && problem.code === 'unknown-action';
    if (isGuess && kind === 'cell') {
      continue; // it may well be a function of the notebook
    }
    const action = fixOf(problem, trans);
    const range = rangeOf(doc, problem);
    shown.push({
      ...range,
      // a line under nothing but white space is not drawn
      ...(doc.sliceString(range.from, range.to).trim() === '' && { markClass: 'aura-mod-blank' }),
      severity: isGuess ? 'warning' : 'error',
      message: sentence(problem),
      source: problem.code,
      ...(action && { actions: [action] }),
    });
  }
  return shown;
}

/** The words of a problem, as the kernel says them. */
function sentence(problem: Problem): string {
  const { message, hint } = problem;
  return hint === '' ? message : `${/[.?!]$/.test(message) ? message : `${message}.`}\n${hint}`;
}

/** Where a problem is underlined: at least one character, if its line has any. */
export function rangeOf(doc: Text, problem: Problem): { from: number; to: number } {
  const line = doc.line(Math.min(Math.max(problem.line ?? 1, 1), doc.lines));
  const start = unitsOf(line.text, (problem.column ?? 1) - 1);
  const end = problem.end_column === null ? line.length : unitsOf(line.text, problem.end_column - 1);
  const from = end > start ? start : Math.max(0, Math.min(start, line.length - 1));
  const to = Math.max(end, Math.min(from + 1, line.length));
  return { from: line.from + from, to: line.from + to };
}

function fixOf(problem: Problem, trans: TranslationBundle): Action | null {
  const { fix, line } = problem;
  if (fix === null || line === null) {
    return null;
  }
  return {
    name: trans.__("Write '%1'", fix),
    apply: (view, from, to) => {
      view.dispatch({
        changes: { from, to, insert: fix },
        selection: { anchor: from + fix.length },
        userEvent: 'input.fix',
      });
      view.focus();
    },
  };
}
