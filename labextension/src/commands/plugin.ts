import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { Keeper } from '../cards/keeper';
import { IKeepers } from '../tokens';
import { addCommands, CommandIDs } from './commands';
import { Toasts } from './toasts';

/** Its id is that of schema/plugin.json: settings, menus and shortcuts. */
const ID = 'aura-jupyter:plugin';

const actions: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'The commands, and what is told of tasks that end unseen.',
  autoStart: true,
  requires: [IKeepers, INotebookTracker],
  optional: [ISettingRegistry, ICommandPalette, ITranslator],
  activate: async (
    { commands, shell },
    keepers: IKeepers,
    tracker: INotebookTracker,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ) => {
    const trans = (translator ?? nullTranslator).load('aura_jupyter');
    const activate = (id: string): void => {
      shell.activateById(id);
    };
    addCommands(commands, { keepers, tracker, trans, activate });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: trans.__('Aura') });
    }

    const settings = await registry?.load(ID);
    const toasts = new Toasts(
      trans,
      (task_id) => void commands.execute(CommandIDs.goToCell, { task_id }),
      () => settings?.get('notify').composite !== false,
    );
    const follow = (keeper: Keeper): void => {
      keeper.hub.mismatched.connect(() => {
        Notification.warning(
          trans.__(
            'The aura_jupyter of the kernel and that of JupyterLab are too far apart: cards are not kept. Install the same version for both, restart the kernel and load the page again.',
          ),
        );
      });
      keeper.ended.connect((_, picture) => void toasts.tell(keeper, picture));
    };
    for (const keeper of keepers) {
      follow(keeper);
    }
    keepers.added.connect((_, keeper) => {
      follow(keeper);
    });
  },
};

export const commands: JupyterFrontEndPlugin<unknown>[] = [actions];
