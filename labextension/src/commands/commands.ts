import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Keepers } from '../cards/keepers';
import { cardsIn } from '../cards/outputs';
import type { Picture } from '../cards/picture';
import { headOf, linesOf } from '../editor/head';

/** The ids of the commands. */
export const CommandIDs = {
  cancel: 'aura:cancel',
  cancelAll: 'aura:cancel-all',
  goToCell: 'aura:go-to-cell',
  insertExample: 'aura:insert-example',
  runCell: 'aura:run-cell',
};

export const EXAMPLE = `%%aura hello
steps:
  - action: core.log
    params: {message: hello}
`;

/** What the commands work on. */
export interface Surroundings {
  readonly keepers: Keepers;
  readonly tracker: INotebookTracker;
  readonly trans: TranslationBundle;
  /** Bring a panel to the front. */
  readonly activate: (id: string) => void;
}

/** Add the commands; `task_id` among their arguments is the task that is meant, else it is that of the active cell. */
export function addCommands(commands: CommandRegistry, surroundings: Surroundings): void {
  const { keepers, tracker, trans } = surroundings;
  const argument = (args: ReadonlyPartialJSONObject): string | undefined =>
    typeof args.task_id === 'string' ? args.task_id : undefined;

  commands.addCommand(CommandIDs.cancel, {
    label: trans.__('Cancel the Task of This Cell'),
    isEnabled: (args) => argument(args) !== undefined || openTask(tracker) !== undefined,
    execute: async (args) => {
      const asked = argument(args);
      const id = asked ?? openTask(tracker)?.task_id;
      // a cell's card may hold any id: its own notebook's kernel is asked, no other
      const own = tracker.currentWidget && keepers.of(tracker.currentWidget);
      const keeper = asked === undefined ? own : keepers.find(asked)?.keeper;
      await said(trans, async () => id !== undefined && keeper?.hub.ask({ kind: 'cancel', task_id: id }));
    },
  });
  commands.addCommand(CommandIDs.cancelAll, {
    label: trans.__('Cancel All Tasks of This Notebook'),
    isEnabled: () => tracker.currentWidget !== null,
    execute: async () => {
      const hub = tracker.currentWidget && keepers.of(tracker.currentWidget)?.hub;
      await said(trans, async () => {
        if (hub) {
          const { tasks } = (await hub.ask({ kind: 'tasks', status: ['QUEUED', 'RUNNING'], limit: 1000 })) as {
            tasks: { task_id: string }[];
          };
          await Promise.all(tasks.map(async ({ task_id }) => hub.ask({ kind: 'cancel', task_id })));
        }
      });
    },
  });
  commands.addCommand(CommandIDs.runCell, {
    label: trans.__('Run the Task of This Cell'),
    isEnabled: () => headOf(linesOf(sourceOf(tracker))) !== null,
    execute: async () => {
      if (headOf(linesOf(sourceOf(tracker))) !== null) {
        await commands.execute('notebook:run-cell');
      }
    },
  });
  commands.addCommand(CommandIDs.insertExample, {
    label: trans.__('Insert an Example Task'),
    isEnabled: () => tracker.currentWidget !== null,
    execute: () => {
      const notebook = tracker.currentWidget?.content;
      if (notebook) {
        NotebookActions.insertBelow(notebook);
        notebook.activeCell?.model.sharedModel.setSource(EXAMPLE);
        notebook.mode = 'edit';
      }
    },
  });
  commands.addCommand(CommandIDs.goToCell, {
    label: trans.__('Go to the Cell of the Running Task'),
    isEnabled: (args) => argument(args) !== undefined || runningTask(keepers, tracker) !== undefined,
    execute: async (args) => {
      const id = argument(args) ?? runningTask(keepers, tracker);
      const found = id === undefined ? undefined : keepers.find(id);
      if (id !== undefined && found) {
        surroundings.activate(found.panel.id);
        await goTo(found.panel, found.keeper.indexOf(id));
      }
    },
  });
}

/** Do something with a kernel, and say why where that cannot be. */
async function said(trans: TranslationBundle, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    Notification.error(trans.__('Nothing was cancelled. %1', error instanceof Error ? error.message : String(error)));
  }
}

function sourceOf(tracker: INotebookTracker): string {
  return tracker.activeCell?.model.type === 'code' ? tracker.activeCell.model.sharedModel.getSource() : '';
}

/** The task of the active cell that has not ended. */
function openTask(tracker: INotebookTracker): Picture | undefined {
  const cell = tracker.activeCell?.model;
  for (const { picture } of cell ? cardsIn([cell]) : []) {
    if (!picture.final && !picture.lost) {
      return picture;
    }
  }
  return undefined;
}

/** A task that runs, rather one of the current notebook. */
function runningTask(keepers: Keepers, tracker: INotebookTracker): string | undefined {
  const current = tracker.currentWidget && keepers.of(tracker.currentWidget);
  for (const keeper of current ? [current, ...keepers] : keepers) {
    for (const id of keeper.running) {
      return id;
    }
  }
  return undefined;
}

async function goTo({ content }: NotebookPanel, cell: number): Promise<void> {
  if (cell >= 0) {
    content.activeCellIndex = cell;
    content.deselectAll();
    await content.scrollToItem(cell, 'center');
    content.activate();
  }
}
