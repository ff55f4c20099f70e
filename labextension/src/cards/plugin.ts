import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { rendererFactory } from './renderer';

export const renderer: JupyterFrontEndPlugin<void> = {
  id: 'aura-jupyter:renderer',
  description: 'Draws what is saved of a card.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  activate: (_app, registry: IRenderMimeRegistry) => {
    registry.addFactory(rendererFactory);
  },
};
