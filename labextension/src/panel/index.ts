import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { FileDialog, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import { LabIcon, ToolbarButton } from '@jupyterlab/ui-components';
import { DisposableDelegate } from '@lumino/disposable';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { CommandIDs as CellCommandIDs } from '../commands/commands';
import { headOf, linesOf } from '../editor/head';
import { IKeepers } from '../tokens';
import { Book } from './book';
import type { Desk } from './book';
import { AuraPanel, StatusItem } from './panel';
import type { Surroundings } from './panel';

const ID = 'aura-jupyter:panel';
const WIDGET = 'aura-panel';

/** The ids of the commands. */
export const CommandIDs = { openPanel: 'aura:open-panel', runFile: 'aura:run-file' };

const FILE = /\.aura\.ya?ml$/i;

const auraIcon = new LabIcon({
  name: 'aura-jupyter:aura',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16"><g class="jp-icon3" fill="#616161">
<path d="M8 1.5A6.5 6.5 0 1 0 14.5 8h-2A4.5 4.5 0 1 1 8 3.5z"/><path d="M6.5 5.2v5.6L11 8z"/></g></svg>`,
});

/** Where the panel is: what it can do there. */
function surroundings(
  { commands }: JupyterFrontEnd,
  book: Book,
  tracker: INotebookTracker,
  trans: TranslationBundle,
  hasFiles: boolean,
): Surroundings {
  const command = (id: string, args = {}): (() => void) | undefined =>
    commands.hasCommand(id) ? () => void commands.execute(id, args) : undefined;
  return {
    trans,
    current: () => (tracker.currentWidget ? book.of(tracker.currentWidget.context) : undefined),
    cell: () => {
      const model = tracker.activeCell?.model;
      const source = model?.type === 'code' ? model.sharedModel.getSource() : '';
      const head = headOf(linesOf(source));
      return head && { name: trans.__('The task of the current cell'), text: source.slice(head.end) };
    },
    goToCell: (task_id) => void commands.execute(CellCommandIDs.goToCell, { task_id }),
    get insertExample() {
      return command(CellCommandIDs.insertExample);
    },
    get newNotebook() {
      return command('notebook:create-new');
    },
    get chooseKernel() {
      const choose = command('kernelmenu:change');
      return (
        choose &&
        (({ context }: Desk) => {
          const panel = tracker.find((each) => each.context === context);
          panel?.activate();
          choose();
        })
      );
    },
    chooseFile: hasFiles ? () => void commands.execute(CommandIDs.runFile) : undefined,
  };
}

/** Offers Run where a spec's file is open. */
class RunButton implements DocumentRegistry.IWidgetExtension<IDocumentWidget, DocumentRegistry.IModel> {
  constructor(
    private readonly _run: (path: string) => void,
    private readonly _trans: TranslationBundle,
  ) {}

  createNew(widget: IDocumentWidget, context: DocumentRegistry.Context): IDisposable {
    if (!FILE.test(context.path)) {
      return new DisposableDelegate(() => undefined);
    }
    const made = new ToolbarButton({
      label: this._trans.__('Run'),
      tooltip: this._trans.__('Run this task in the kernel of a notebook'),
      icon: auraIcon,
      onClick: () => {
        this._run(context.path);
      },
    });
    widget.toolbar.addItem('aura-run', made);
    return made;
  }
}

const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: "The side panel with the tasks of the open notebooks' kernels, and the form that runs one.",
  autoStart: true,
  requires: [IKeepers, INotebookTracker],
  optional: [ILayoutRestorer, ITranslator, ICommandPalette, IStatusBar, IDocumentManager, IFileBrowserFactory],
  activate: (
    app,
    keepers: IKeepers,
    tracker: INotebookTracker,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null,
    documents: IDocumentManager | null,
    files: IFileBrowserFactory | null,
  ) => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load('aura_jupyter');
    const book = new Book(trans.__('The kernel stopped while this ran'));
    const panel = new AuraPanel(book, surroundings(app, book, tracker, trans, documents !== null));
    panel.id = WIDGET;
    panel.title.icon = auraIcon;
    panel.title.caption = trans.__('Aura');
    shell.add(panel, 'left', { rank: 900, type: 'Aura' });
    restorer?.add(panel, WIDGET);

    follow(book, keepers, tracker, panel);
    count(book, panel, trans, statusBar, () => void commands.execute(CommandIDs.openPanel));

    commands.addCommand(CommandIDs.openPanel, {
      label: trans.__('Show the Tasks'),
      caption: trans.__("Show the tasks of the open notebooks' kernels"),
      icon: auraIcon,
      execute: () => {
        shell.activateById(WIDGET);
      },
    });
    palette?.addItem({ command: CommandIDs.openPanel, category: trans.__('Aura') });
    if (documents) {
      addRunFile(app, documents, files, panel, trans);
      palette?.addItem({ command: CommandIDs.runFile, category: trans.__('Aura') });
    }
  },
};

/** Keep the book of the notebooks that are open, and the panel at the one that a person looks at. */
function follow(book: Book, keepers: IKeepers, tracker: INotebookTracker, panel: AuraPanel): void {
  const add = (notebook: NonNullable<INotebookTracker['currentWidget']>): void => {
    book.add(notebook.context, keepers.add(notebook).hub);
  };
  tracker.forEach(add);
  tracker.widgetAdded.connect((_, notebook) => {
    add(notebook);
  });
  for (const signal of [tracker.currentChanged, tracker.activeCellChanged]) {
    signal.connect(() => {
      panel.look();
    });
  }
}

/** Say on the panel's tab and in the status bar how many tasks run. */
function count(
  book: Book,
  panel: AuraPanel,
  trans: TranslationBundle,
  statusBar: IStatusBar | null,
  open: () => void,
): void {
  const item = new StatusItem(trans, open);
  const changed = new Signal<StatusItem, void>(item);
  let shown = '';
  let isActive = false;
  let due: number | undefined;
  const draw = (): void => {
    due = undefined;
    const counts = book.counts;
    const now = `${counts.running} ${counts.queued}`;
    if (now === shown) {
      return;
    }
    shown = now;
    isActive = counts.running + counts.queued > 0;
    const { 'aura-running': _, ...others } = panel.title.dataset; // the shell keeps the widget's id there
    panel.title.dataset = counts.running ? { ...others, 'aura-running': String(counts.running) } : others;
    panel.title.caption = counts.running ? trans.__('Aura, %1 running', counts.running) : trans.__('Aura');
    item.say(counts);
    changed.emit();
  };
  book.changed.connect(() => {
    due ??= requestAnimationFrame(draw);
  });
  statusBar?.registerStatusItem('aura-jupyter:tasks', {
    item,
    align: 'left',
    rank: 10,
    isActive: () => isActive,
    activeStateChanged: changed,
  });
}

/** Run a file: the one that is named or, from a file's menu, selected; else one that a person chooses. */
function addRunFile(
  { commands, docRegistry, shell }: JupyterFrontEnd,
  manager: IDocumentManager,
  files: IFileBrowserFactory | null,
  panel: AuraPanel,
  trans: TranslationBundle,
): void {
  const choose = async (): Promise<string | undefined> => {
    const { value } = await FileDialog.getOpenFiles({
      manager,
      title: trans.__('Run a task'),
      label: trans.__('A YAML file with a task'),
      filter: ({ type, name }) => (type === 'directory' || /\.(ya?ml|json)$/i.test(name) ? {} : null),
    });
    return value?.find(({ type }) => type !== 'directory')?.path;
  };
  const run = async (path: string): Promise<void> => {
    try {
      const open = manager.findWidget(path);
      const model = open && manager.contextForWidget(open)?.model; // what is open may not be saved
      const text = model ? model.toString() : await contentOf(manager, path);
      shell.activateById(WIDGET);
      panel.run({ name: PathExt.basename(path), text });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      Notification.error(trans.__('%1 could not be read. %2', path, why));
    }
  };
  commands.addCommand(CommandIDs.runFile, {
    label: ({ selected }) => (selected ? trans.__('Run the Task…') : trans.__('Run a Task File…')),
    icon: auraIcon,
    execute: async (args) => {
      const [selected] = files?.tracker.currentWidget?.selectedItems() ?? [];
      const named = args.selected ? selected?.path : args.path;
      const path = typeof named === 'string' ? named : await choose();
      if (path !== undefined) {
        await run(path);
      }
    },
  });
  docRegistry.addWidgetExtension('Editor', new RunButton((path) => void run(path), trans));
}

async function contentOf(manager: IDocumentManager, path: string): Promise<string> {
  const file = await manager.services.contents.get(path, { type: 'file', format: 'text', content: true });
  return file.content as string;
}

/** The plugins of the side panel. */
export const panel: JupyterFrontEndPlugin<unknown>[] = [panelPlugin];
