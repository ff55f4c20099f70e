import { closeLintPanel, forEachDiagnostic, linter, openLintPanel } from '@codemirror/lint';
import type { Diagnostic } from '@codemirror/lint';
import type { EditorState, Extension, Text } from '@codemirror/state';
import { StateEffect } from '@codemirror/state';
import type { EditorView, Tooltip } from '@codemirror/view';
import { hoverTooltip, keymap } from '@codemirror/view';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Assistant, Kernels } from './assistant';
import { diagnosticsOf } from './diagnostics';
import type { Kind } from './diagnostics';
import { drawn, explanationOf } from './explanation';
import { headOf } from './head';
import { length } from './positions';
import { walk } from './walk';

/** How long typing must rest before a spec is looked at. */
const REST = 300; // ms

/** More letters than a word of a spec has; to look for its beginning in a line of a million would take minutes. */
const WORD = 200;

/** Something outside the text has changed that its problems depend on: a cell has run, the kernel is another. */
export const recheck = StateEffect.define();

/** What helps while a spec is written. */
export interface Help {
  readonly assistant: Assistant;
  readonly trans: TranslationBundle;
  /** The kernel of the notebook that an editor belongs to. */
  readonly kernelOf: (view: EditorView) => ReturnType<Kernels>;
}

/** Underlines problems, offers their fixes, explains what the pointer is over. */
export function assistance(help: Help, kind: Kind): Extension {
  return [
    linter((view) => problems(view, help, kind), {
      delay: REST,
      needsRefresh: (update) => update.transactions.some((each) => each.effects.some((effect) => effect.is(recheck))),
    }),
    hoverTooltip((view, pos) => explained(view, pos, help)),
    walk,
    keymap.of([
      // a notebook keeps the focus in the cell, where Escape is its own: the same keys close the list
      { key: 'Mod-Shift-m', run: (view) => closeLintPanel(view) || openLintPanel(view) },
      { key: 'Mod-.', run: applyFix },
    ]),
  ];
}

async function problems(view: EditorView, help: Help, kind: Kind): Promise<Diagnostic[]> {
  const { doc } = view.state;
  const { spec, above } = partsOf(doc);
  if (spec.trim() === '') {
    return [];
  }
  const findings = await help.assistant.validate(() => help.kernelOf(view), spec, above);
  return findings === null ? [] : diagnosticsOf(doc, findings, kind, help.trans);
}

/** The spec of a cell or a file, and the lines above it. */
export function partsOf(doc: Text): { spec: string; above: string[]; from: number } {
  const head = headOf(doc.iterLines());
  const from = head === null ? 0 : Math.min(head.end, doc.length);
  return { spec: doc.sliceString(from), above: head?.lines ?? [], from };
}

/** The part of the text that is a word of a spec. */
function wordAt(state: EditorState, pos: number): { from: number; to: number } {
  const line = state.doc.lineAt(pos);
  const at = pos - line.from;
  const before = /[\p{L}\p{N}_.-]*$/u.exec(line.text.slice(Math.max(0, at - WORD), at));
  const after = /^[\p{L}\p{N}_.-]*/u.exec(line.text.slice(at, at + WORD));
  return { from: pos - (before?.[0].length ?? 0), to: pos + (after?.[0].length ?? 0) };
}

async function explained(view: EditorView, pos: number, help: Help): Promise<Tooltip | null> {
  const { spec, from } = partsOf(view.state.doc);
  const word = wordAt(view.state, pos);
  if (pos < from || word.from === word.to) {
    return null;
  }
  const at = length(spec.slice(0, pos - from));
  const text = await help.assistant.inspect(() => help.kernelOf(view), spec, at);
  if (text === null) {
    return null;
  }
  return { pos: word.from, end: word.to, above: true, create: () => ({ dom: drawn(explanationOf(text)) }) };
}

/** Apply the fix of the problem at the cursor, if there is one. */
function applyFix(view: EditorView): boolean {
  const { head } = view.state.selection.main;
  const found: (() => void)[] = [];
  forEachDiagnostic(view.state, ({ actions }, from, to) => {
    const action = actions?.[0];
    if (action && from <= head && head <= to) {
      found.push(() => {
        action.apply(view, from, to);
      });
    }
  });
  found[0]?.();
  return found.length > 0;
}
