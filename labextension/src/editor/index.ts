import type { EditorView } from '@codemirror/view';
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { ICellModel } from '@jupyterlab/cells';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { CodeMirrorEditor, EditorExtensionRegistry } from '@jupyterlab/codemirror';
import { IEditorExtensionRegistry, IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { ICompletionProviderManager } from '@jupyterlab/completer';
import { PageConfig } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { yamlIcon } from '@jupyterlab/ui-components';
import { Token } from '@lumino/coreutils';

import { assistance, recheck } from './assistance';
import { Assistant } from './assistant';
import { leaveSpecsToUs, SpecCompletions } from './completion';
import { auraYaml, MIME } from './language';
import { cellMode, fileMode } from './mode';

const FILE = /\.aura\.ya?ml$/i;

const IAssistant = new Token<Assistant>('aura-jupyter:IAssistant', 'Asks a kernel, or the server, about specs.');

const language: JupyterFrontEndPlugin<void> = {
  id: 'aura-jupyter:language',
  description: 'The language of specs: YAML with Jinja2 in it.',
  autoStart: true,
  requires: [IEditorLanguageRegistry],
  optional: [ITranslator],
  activate: (app, languages: IEditorLanguageRegistry, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('aura_jupyter');
    languages.addLanguage({
      name: 'aura-yaml',
      displayName: trans.__('Aura task'),
      mime: MIME,
      filename: FILE,
      support: auraYaml(),
    });
    app.docRegistry.addFileType({
      name: 'aura-yaml',
      displayName: trans.__('Aura Task'),
      extensions: ['.aura.yaml', '.aura.yml'],
      mimeTypes: [MIME],
      fileFormat: 'text',
      contentType: 'file',
      icon: yamlIcon,
    });
  },
};

const assistant: JupyterFrontEndPlugin<Assistant> = {
  id: 'aura-jupyter:assistant',
  description: 'Underlines problems in specs as they are written, and explains what stands there.',
  autoStart: true,
  requires: [IEditorExtensionRegistry],
  optional: [INotebookTracker, ITranslator],
  provides: IAssistant,
  activate: (
    app,
    extensions: IEditorExtensionRegistry,
    tracker: INotebookTracker | null,
    translator: ITranslator | null,
  ) => {
    const asks = new Assistant(app.serviceManager.serverSettings);
    const trans = (translator ?? nullTranslator).load('aura_jupyter');
    const kernelOf = (view: EditorView) => {
      const panel = tracker?.find(({ node }) => node.contains(view.dom));
      const kernel = panel?.sessionContext.session?.kernel ?? null;
      return kernel?.connectionStatus === 'connected' ? kernel : null;
    };
    const help = { assistant: asks, trans, kernelOf };
    extensions.addExtension({
      name: 'aura-jupyter:assistance',
      factory: ({ model }) => {
        const kind = kindOf(model);
        return kind === null
          ? null
          : EditorExtensionRegistry.createImmutableExtension(
              kind === 'cell' ? cellMode(model, assistance(help, kind)) : fileMode(model, assistance(help, kind)),
            );
      },
    });
    tracker?.widgetAdded.connect((_, panel) => {
      lookAgainAfterwards(panel, asks);
    });
    NotebookActions.executed.connect((_, { notebook, cell }) => {
      const panel = tracker?.find(({ content }) => content === notebook);
      const kernel = panel?.sessionContext.session?.kernel;
      if (panel && kernel) {
        if (cell.model.sharedModel.getSource().includes('aura')) {
          asks.reconsider(kernel); // Aura may have been loaded
        }
        lookAgain(panel);
      }
    });
    leaveStatusAlone();
    return asks;
  },
};

const completion: JupyterFrontEndPlugin<void> = {
  id: 'aura-jupyter:completion',
  description: 'Offers what fits at a place of a spec.',
  autoStart: true,
  requires: [IAssistant, ICompletionProviderManager],
  activate: (_app, asks: Assistant, manager: ICompletionProviderManager) => {
    manager.registerProvider(new SpecCompletions(asks));
    leaveSpecsToUs(manager);
  },
};

/** What an editor is for: a code cell, a file, or, as a Markdown cell, nothing of ours. */
function kindOf(model: CodeEditor.IModel): 'cell' | 'file' | null {
  const { type } = model as Partial<ICellModel>;
  return type === undefined ? 'file' : type === 'code' ? 'cell' : null;
}

/** What a kernel knows changes with the kernel: problems are looked for again. */
function lookAgainAfterwards(panel: NotebookPanel, asks: Assistant): void {
  const { sessionContext } = panel;
  const again = () => {
    const kernel = sessionContext.session?.kernel;
    if (kernel) {
      asks.reconsider(kernel);
    }
    lookAgain(panel);
  };
  // with the panel as the receiver, since another view of the notebook may outlive it
  sessionContext.kernelChanged.connect(again, panel);
  sessionContext.connectionStatusChanged.connect((_, status) => {
    if (status === 'connected') {
      again();
    }
  }, panel);
  sessionContext.statusChanged.connect((_, status) => {
    if (status === 'restarting' || status === 'autorestarting') {
      again();
    }
  }, panel);
}

function lookAgain(panel: NotebookPanel): void {
  for (const { editor, model } of panel.content.widgets) {
    if (model.mimeType === MIME && editor instanceof CodeMirrorEditor) {
      editor.editor.dispatch({ effects: recheck.of(null) });
    }
  }
}

/** Questions to a kernel are no work of it: its indicator does not say busy for each pause in typing. */
function leaveStatusAlone(): void {
  const option = 'untracked_message_types';
  const untracked = JSON.parse(PageConfig.getOption(option) || '[]') as string[];
  PageConfig.setOption(option, JSON.stringify([...new Set([...untracked, 'aura_request'])]));
}

/** The plugins of the editor: YAML in `%%aura` cells and in `*.aura.yaml` files. */
export const editor: JupyterFrontEndPlugin<unknown>[] = [language, assistant, completion];
