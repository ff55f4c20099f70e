import type { Picture } from '../../../aura_jupyter/notebook/card/card.js';

export type { Ask, Message, Picture, Source } from '../../../aura_jupyter/notebook/card/card.js';

/** Of the picture of a task in an output. */
export const MIME = 'application/vnd.aura.task+json';

/** Of a widget's view in an output. */
export const VIEW = 'application/vnd.jupyter.widget-view+json';

/** The version of pictures that this drawing code knows, see view/picture.py. */
const VERSION = 1;

/** More rows than view/picture.py gives: what has more was made to keep a page busy. */
const ROWS = 1000;

/** What of a stored output is a picture that can be drawn; a file may hold anything. */
export function asPicture(data: unknown): Picture | null {
  const picture = data as Partial<Picture> | null | undefined;
  if (picture?.version !== VERSION || typeof picture.task_id !== 'string' || !Array.isArray(picture.rows)) {
    return null;
  }
  return picture.rows.length > ROWS ? null : (picture as Picture);
}
