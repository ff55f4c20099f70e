import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { draw } from '../../../aura_jupyter/notebook/card/card.js';
import css from 'card_more.raw.css!=!../../../aura_jupyter/notebook/card/card_more.css';
import more from '../../../aura_jupyter/notebook/card/card_more.js';
import { asPicture, MIME } from './picture';
import type { Picture, Source } from './picture';
import type { Reading } from './reading';

/** The style class of saved cards. */
export const DRAWN = 'jp-RenderedAura';

/** Draws a saved card, with the widget's own code. */
export class CardRenderer extends Widget implements IRenderMime.IRenderer {
  /** @param _reading - what somebody reads in the cards of the page. */
  constructor(private readonly _reading: Reading) {
    super();
    this.addClass(DRAWN);
  }

  /** Draw the picture of an output; called again when the output changes. */
  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const picture = asPicture(model.data[MIME]);
    if (picture && this._source?.get().task_id === picture.task_id) {
      this._source.set(picture); // drawn in place: rows stay open
      return Promise.resolve();
    }
    this._end();
    this._source = undefined;
    if (!picture || !this._draw(picture)) {
      const text = model.data['text/plain'];
      this._drawText(typeof text === 'string' ? text : 'A card that a newer version of aura_jupyter saved');
    }
    return Promise.resolve();
  }

  override dispose(): void {
    this._end();
    super.dispose();
  }

  /** Whether it could be drawn: a file may hold a picture of any shape. */
  private _draw(picture: Picture): boolean {
    try {
      const source = storedSource(picture);
      this._end = draw(this.node, source);
      this._source = source;
      this._reading.restore(this.node, picture.task_id);
      return true;
    } catch {
      this.node.replaceChildren();
      return false;
    }
  }

  private _drawText(text: string): void {
    const shown = this.node.appendChild(document.createElement('pre'));
    shown.textContent = text;
    this._end = () => {
      shown.remove();
    };
  }

  private _end: () => void = () => undefined;
  private _source: StoredSource | undefined;
}

/** Changes only where another picture is stored. */
interface StoredSource extends Source {
  set(picture: Picture): void;
}

function storedSource(picture: Picture): StoredSource {
  let tell = (): void => undefined;
  return {
    get: () => picture,
    set: (next) => {
      picture = next;
      tell();
    },
    on: (listener) => {
      tell = listener;
      return () => {
        tell = () => undefined;
      };
    },
    // its style comes with each card, as a widget's: it has to stand behind all that the page has of card.css
    more: () => Promise.resolve({ default: more, css }),
    opened: {},
  };
}

/** Comes after the widget's view in rank, so that a card that lives is drawn by that. */
export const rendererFactory = (reading: Reading): IRenderMime.IRendererFactory => ({
  safe: true,
  mimeTypes: [MIME],
  defaultRank: 40,
  createRenderer: () => new CardRenderer(reading),
});
