import { forEachDiagnostic, nextDiagnostic, previousDiagnostic } from '@codemirror/lint';
import type { Diagnostic } from '@codemirror/lint';
import type { Extension } from '@codemirror/state';
import { StateEffect, StateField } from '@codemirror/state';
import { EditorView, keymap, showTooltip } from '@codemirror/view';
import type { Command, Tooltip } from '@codemirror/view';

const show = StateEffect.define<Tooltip | null>();

/** What is said of the problem that one came to by the keyboard, until one goes on or writes. */
const said = StateField.define<Tooltip | null>({
  create: () => null,
  update: (shown, { effects, docChanged, selection }) => {
    let tooltip = docChanged || selection ? null : shown;
    for (const effect of effects) {
      tooltip = effect.is(show) ? effect.value : tooltip;
    }
    return tooltip;
  },
  provide: (field) => showTooltip.from(field),
});

/** F8 and Shift-F8 go from problem to problem and say what each is. */
export const walk: Extension = [
  said,
  keymap.of([{ key: 'F8', run: telling(nextDiagnostic), shift: telling(previousDiagnostic) }]),
  EditorView.domEventHandlers({
    blur: (_, view) => {
      if (view.state.field(said)) {
        view.dispatch({ effects: show.of(null) });
      }
    },
  }),
];

function telling(go: Command): Command {
  return (view) => {
    const gone = go(view); // not where the only problem is selected already
    const { from, to } = view.state.selection.main;
    forEachDiagnostic(view.state, (diagnostic, start, end) => {
      if (start === from && end === to) {
        const create = () => ({ dom: drawn(view, diagnostic, start, end) });
        view.dispatch({ effects: show.of({ pos: start, end, above: true, create }) });
      }
    });
    return gone || view.state.field(said) !== null;
  };
}

/** A problem as its tooltip shows it where the pointer is over it. */
function drawn(view: EditorView, diagnostic: Diagnostic, from: number, to: number): HTMLElement {
  const dom = document.createElement('div');
  dom.className = 'cm-tooltip-lint';
  dom.role = 'status';
  const item = append(dom, 'div', `cm-diagnostic cm-diagnostic-${diagnostic.severity}`);
  append(item, 'span', 'cm-diagnosticText').textContent = diagnostic.message;
  for (const { name, apply } of diagnostic.actions ?? []) {
    const button = append(item, 'button', 'cm-diagnosticAction');
    button.textContent = name;
    button.onmousedown = (event) => {
      event.preventDefault(); // the editor keeps the focus
      apply(view, from, to);
    };
  }
  append(item, 'div', 'cm-diagnosticSource').textContent = diagnostic.source ?? '';
  return dom;
}

function append(parent: HTMLElement, tag: string, className: string): HTMLElement {
  const node = parent.appendChild(document.createElement(tag));
  node.className = className;
  return node;
}
