import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** The plugins of the editor: YAML in `%%aura` cells. */
export const editor: JupyterFrontEndPlugin<unknown>[] = [];
