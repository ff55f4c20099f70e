import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { renderer } from './cards/plugin';
import { editor } from './editor';
import { panel } from './panel';

const plugins: JupyterFrontEndPlugin<unknown>[] = [renderer, ...editor, ...panel];

export default plugins;
