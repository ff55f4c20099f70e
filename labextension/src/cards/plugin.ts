import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { cardOver } from '../kernel/rest';
import { IKeepers } from '../tokens';
import { Keepers } from './keepers';
import { Reading } from './reading';
import { rendererFactory } from './renderer';

const renderer: JupyterFrontEndPlugin<void> = {
  id: 'aura-jupyter:renderer',
  description: 'Draws what is saved of a card.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  activate: (_app, registry: IRenderMimeRegistry) => {
    registry.addFactory(rendererFactory(new Reading()));
  },
};

const keeper: JupyterFrontEndPlugin<IKeepers> = {
  id: 'aura-jupyter:keeper',
  description: "Brings the tasks' ends into the notebooks that show them, and their buttons to the kernels.",
  autoStart: true,
  requires: [INotebookTracker],
  provides: IKeepers,
  activate: (app, tracker: INotebookTracker) => {
    const { contents, serverSettings } = app.serviceManager;
    const keepers = new Keepers(cardOver(serverSettings), contents);
    tracker.forEach((panel) => keepers.add(panel));
    tracker.widgetAdded.connect((_, panel) => {
      keepers.add(panel);
    });
    return keepers;
  },
};

export const cards: JupyterFrontEndPlugin<unknown>[] = [renderer, keeper];
