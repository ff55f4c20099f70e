import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { cards } from './cards/plugin';
import { editor } from './editor';
import { panel } from './panel';

const plugins: JupyterFrontEndPlugin<unknown>[] = [...cards, ...editor, ...panel];

export default plugins;
