import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** The plugins of the side panel. */
export const panel: JupyterFrontEndPlugin<unknown>[] = [];
