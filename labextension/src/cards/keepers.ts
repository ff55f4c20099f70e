import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { Refused } from '../kernel/control';
import type { CardOf } from '../kernel/rest';
import { Keeper } from './keeper';
import { isOpen } from './outputs';
import type { Ask, Picture } from './picture';
import { DRAWN } from './renderer';

type Context = DocumentRegistry.IContext<INotebookModel>;
type Card = HTMLElement & { aura?: () => Picture };

/** The keepers of all open notebooks, and where the presses of their cards' buttons go. */
export class Keepers implements IDisposable {
  /**
   * @param _cardOf - asks the server what a card shows.
   * @param _contents - reads the notebooks' files.
   */
  constructor(
    private readonly _cardOf: CardOf,
    private readonly _contents: Contents.IManager,
  ) {
    // on the document, since a view of an output may be anywhere
    document.addEventListener('aura:ask', this._onAsk);
  }

  /** A notebook was opened that had no keeper. */
  get added(): ISignal<this, Keeper> {
    return this._added;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    document.removeEventListener('aura:ask', this._onAsk);
    for (const keeper of this._keepers.values()) {
      keeper.dispose();
    }
    Signal.clearData(this);
  }

  [Symbol.iterator](): Iterator<Keeper> {
    return this._keepers.values();
  }

  /** A panel shows a notebook. */
  add(panel: NotebookPanel): Keeper {
    const keeper = this._of(panel.context);
    keeper.addPanel(panel);
    this._panels.add(panel);
    panel.disposed.connect(() => {
      this._panels.delete(panel);
    });
    return keeper;
  }

  /** The keeper of what a panel shows. */
  of(panel: NotebookPanel): Keeper | undefined {
    return this._keepers.get(panel.context);
  }

  /** The panel in which a task has its card, and its keeper. */
  find(id: string): { panel: NotebookPanel; keeper: Keeper } | undefined {
    for (const panel of this._panels) {
      const keeper = this.of(panel);
      if (keeper && keeper.indexOf(id) >= 0) {
        return { panel, keeper };
      }
    }
    return undefined;
  }

  private _of(context: Context): Keeper {
    const known = this._keepers.get(context);
    if (known) {
      return known;
    }
    const keeper = new Keeper(context, this._cardOf, this._contents);
    this._keepers.set(context, keeper);
    context.disposed.connect(() => {
      this._keepers.delete(context);
    });
    this._added.emit(keeper);
    return keeper;
  }

  /** A press goes over the control channel, which is free while a cell runs; where no answer comes, the card's own way. */
  private readonly _onAsk = (event: Event): void => {
    if (hasNoButtons(event.target as Card)) {
      event.preventDefault();
      return;
    }
    const { message, plain } = (event as CustomEvent<Ask>).detail;
    const keeper = this._keeperFor(event.target as Node, message.task_id ?? '');
    if (!keeper?.hub.kernel) {
      return;
    }
    event.preventDefault();
    keeper.hub
      .ask({ kind: 'press', task_id: message.task_id ?? '', message: { ...message } })
      .catch((error: unknown) => {
        if (!(error instanceof Refused)) {
          sayLate(event.target as Element);
        }
        plain();
      });
  };

  private _keeperFor(node: Node, id: string): Keeper | undefined {
    for (const panel of this._panels) {
      if (panel.node.contains(node)) {
        return this.of(panel);
      }
    }
    return this.find(id)?.keeper;
  }

  private _isDisposed = false;
  private readonly _keepers = new Map<Context, Keeper>();
  private readonly _panels = new Set<NotebookPanel>();
  private readonly _added = new Signal<this, Keeper>(this);
}

/**
 * Whether a card is a saved one of a task that has ended: only a file that somebody made up has buttons there, which may
 * say anything, and the id of a task that runs.
 */
function hasNoButtons(card: Card): boolean {
  const picture = card.closest(`.${DRAWN}`) && card.aura?.();
  return !!picture && !isOpen({ picture });
}

/** Says on a card that a press got no answer; whatever comes next is drawn over it. */
function sayLate(card: Element): void {
  for (const place of card.querySelectorAll('.a-h2 p, output')) {
    place.textContent = 'The kernel does not answer. It gets this as soon as it does.';
  }
}
