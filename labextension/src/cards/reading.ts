import type { IDisposable } from '@lumino/disposable';

import type { Picture } from './picture';

/** So many cards it is remembered of. */
const MOST = 50;

/** What of a card somebody has chosen to read. */
interface Choice {
  /** The name of the tab. */
  tab: string;
  /** The ids of the rows that are open. */
  rows: readonly string[];
}

/**
 * What a person reads in the cards of this page. A card that is drawn anew, since its task has ended or it was out of
 * view, goes on with that.
 */
export class Reading implements IDisposable {
  constructor() {
    document.addEventListener('click', this._onClick); // keys of a button click as well
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    document.removeEventListener('click', this._onClick);
  }

  /** Bring a card that was just drawn to where its reader was. */
  restore(card: ParentNode, id: string): void {
    const choice = this._choices.get(id);
    if (!choice) {
      return;
    }
    for (const { row, head } of rowsOf(card)) {
      if (choice.rows.includes(row) && head.ariaExpanded === 'false') {
        head.click();
      }
    }
    for (const tab of card.querySelectorAll<HTMLElement>('[role=tab][aria-selected=false]')) {
      if (nameOf(tab) === choice.tab) {
        tab.click();
      }
    }
  }

  private readonly _onClick = (event: Event): void => {
    const card = (event.target as Element).closest<HTMLElement & { aura?: () => Picture }>('.aura-card');
    const id = card?.aura?.().task_id;
    if (!card || id === undefined || !event.isTrusted) {
      return;
    }
    const tab = card.querySelector('[role=tab][aria-selected=true]');
    const rows = [...rowsOf(card)].filter(({ head }) => head.ariaExpanded === 'true').map(({ row }) => row);
    const name = tab ? nameOf(tab) : 'Steps';
    // the rows are on the page only while their tab is chosen
    const choice = { tab: name, rows: name === 'Steps' ? rows : (this._choices.get(id)?.rows ?? []) };
    this._choices.delete(id);
    this._choices.set(id, choice);
    for (const oldest of this._choices.keys()) {
      if (this._choices.size <= MOST) {
        break;
      }
      this._choices.delete(oldest);
    }
  };

  private _isDisposed = false;
  private readonly _choices = new Map<string, Choice>();
}

/** The rows of a card, each with its id and what opens it. */
function* rowsOf(card: ParentNode): Generator<{ row: string; head: HTMLElement }> {
  for (const item of card.querySelectorAll<HTMLElement & { row?: string }>('.a-rows > li')) {
    const head = item.querySelector<HTMLElement>(':scope > .a-row');
    if (head && item.row !== undefined) {
      yield { row: item.row, head };
    }
  }
}

/** The name of a tab, without the number that the log's has. */
function nameOf(tab: Element): string {
  return tab.firstChild?.textContent ?? '';
}
