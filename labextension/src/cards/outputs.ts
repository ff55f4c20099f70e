import type { ICellModel, ICodeCellModel } from '@jupyterlab/cells';
import type { IMimeBundle, INotebookContent, IOutput } from '@jupyterlab/nbformat';
import type { IOutputAreaModel } from '@jupyterlab/outputarea';
import type { Contents } from '@jupyterlab/services';

import { asPicture, MIME, VIEW } from './picture';
import type { Picture } from './picture';

/** An output that holds a card. */
export interface CardOutput {
  readonly outputs: IOutputAreaModel;
  readonly index: number;
  readonly picture: Picture;
  /** Whether it holds the widget's view. */
  readonly hasView: boolean;
}

/** The cards in the outputs of cells. */
export function* cardsIn(cells: Iterable<ICellModel>): Generator<CardOutput> {
  for (const cell of cells) {
    if (cell.type !== 'code') {
      continue;
    }
    const { outputs } = cell as ICodeCellModel;
    for (let index = 0; index < outputs.length; index++) {
      const { data } = outputs.get(index);
      const picture = MIME in data && asPicture(data[MIME]);
      if (picture) {
        yield { outputs, index, picture, hasView: VIEW in data };
      }
    }
  }
}

/** Whether it is not known how its task ended. */
export function isOpen({ picture }: Pick<CardOutput, 'picture'>): boolean {
  return !picture.final && !picture.lost;
}

/** The tasks of which a notebook's file says how they ended, or that their kernel stopped. */
export function closedIn({ content }: Contents.IModel): Set<string> {
  const { cells } = content as INotebookContent;
  const outputs = cells.flatMap((cell) => (cell.outputs as IOutput[] | undefined) ?? []);
  const pictures = outputs.map((output) => asPicture(dataOf(output)[MIME]));
  return new Set(pictures.flatMap((picture) => (picture && !isOpen({ picture }) ? picture.task_id : [])));
}

/** Put a bundle in the place of an output's; it is drawn once, and keeps its metadata. */
export function write({ outputs, index }: CardOutput, data: IMimeBundle): void {
  outputs.set(index, { ...outputs.get(index).toJSON(), data });
}

/** What an output holds, without the widget's view. */
export function withoutView({ outputs, index }: CardOutput): IMimeBundle {
  const { [VIEW]: _, ...rest } = outputs.get(index).toJSON().data as IMimeBundle;
  return rest;
}

/** The picture of a bundle that a kernel sent. */
export function pictureOf(bundle: IMimeBundle): Picture | null {
  return asPicture(bundle[MIME]);
}

/**
 * A notebook as it is to be stored: no card has a widget's view, which would be dead when the notebook is opened again,
 * and one that goes on has the state of this moment.
 *
 * @param seen - gives the picture that a page shows of a task.
 */
export function storable(notebook: INotebookContent, seen: (id: string) => Picture | undefined): INotebookContent {
  const cells = notebook.cells.map((cell) => {
    const outputs = cell.outputs as IOutput[] | undefined;
    if (!outputs?.some((output) => MIME in dataOf(output))) {
      return cell;
    }
    return { ...cell, outputs: outputs.map((output) => storableOutput(output, seen)) };
  });
  return { ...notebook, cells };
}

function storableOutput(output: IOutput, seen: (id: string) => Picture | undefined): IOutput {
  const { [VIEW]: _, ...data } = dataOf(output);
  if (!(MIME in data)) {
    return output;
  }
  const stored = asPicture(data[MIME]);
  const now = stored && isOpen({ picture: stored }) ? seen(stored.task_id) : undefined;
  const picture = stored && now && latest(stored, now);
  return { ...output, data: picture ? { ...data, [MIME]: picture } : data } as IOutput;
}

/** What is newer of two pictures of a task; what only a stored one has, its graph and log, stays. */
export function latest(stored: Picture, seen: Picture): Picture {
  return seen.now > stored.now ? { ...stored, ...seen } : stored;
}

function dataOf(output: IOutput): IMimeBundle {
  return (output.data as IMimeBundle | undefined) ?? {};
}
