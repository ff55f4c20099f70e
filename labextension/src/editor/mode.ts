import type { Extension, Text } from '@codemirror/state';
import { Compartment, EditorState } from '@codemirror/state';
import { EditorView, ViewPlugin } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';

import { headOf, linesOf } from './head';
import { MIME } from './language';

const PYTHON = 'text/x-ipython';

/** What each cell was before it became YAML. */
const before = new WeakMap<CodeEditor.IModel, string>();

/**
 * A cell that is YAML as long as it begins with `%%aura`, and then has help.
 *
 * The notebook sets every cell to its kernel's language when that is known, so that ours is set again. It is not saved.
 */
export function cellMode(model: CodeEditor.IModel, help: Extension): Extension {
  const compartment = new Compartment();
  const initial = isAura(linesOf(model.sharedModel.getSource()));
  setMode(model, initial);
  return [
    compartment.of(initial ? help : []),
    EditorState.transactionExtender.of((transaction) => {
      if (!transaction.docChanged) {
        return null;
      }
      const is = isAuraDoc(transaction.newDoc);
      return is === isAuraDoc(transaction.startState.doc) ? null : { effects: compartment.reconfigure(is ? help : []) };
    }),
    ViewPlugin.define((view) => {
      const onMimeType = () => {
        setMode(model, isAuraDoc(view.state.doc));
      };
      model.mimeTypeChanged.connect(onMimeType);
      return {
        update: (update) => {
          if (update.docChanged) {
            setMode(model, isAuraDoc(update.state.doc));
          }
        },
        destroy: () => {
          model.mimeTypeChanged.disconnect(onMimeType);
        },
      };
    }),
  ];
}

/** A file that has help as long as it is of our type. */
export function fileMode(model: CodeEditor.IModel, help: Extension): Extension {
  const compartment = new Compartment();
  const current = () => (model.mimeType === MIME ? help : []);
  return [
    compartment.of(current()),
    ViewPlugin.define((view: EditorView) => {
      const onMimeType = () => {
        view.dispatch({ effects: compartment.reconfigure(current()) });
      };
      model.mimeTypeChanged.connect(onMimeType);
      return {
        destroy: () => {
          model.mimeTypeChanged.disconnect(onMimeType);
        },
      };
    }),
  ];
}

function isAura(lines: Iterable<string>): boolean {
  return headOf(lines) !== null;
}

function isAuraDoc(doc: Text): boolean {
  return isAura(doc.iterLines());
}

function setMode(model: CodeEditor.IModel, is: boolean): void {
  if (is && model.mimeType !== MIME) {
    before.set(model, model.mimeType);
    model.mimeType = MIME;
  } else if (!is && model.mimeType === MIME) {
    model.mimeType = before.get(model) ?? PYTHON;
  }
}
