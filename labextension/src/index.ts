import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { cards } from './cards/plugin';
import { commands } from './commands/plugin';
import { editor } from './editor';
import { panel } from './panel';

const plugins: JupyterFrontEndPlugin<unknown>[] = [...cards, ...commands, ...editor, ...panel];

export default plugins;
