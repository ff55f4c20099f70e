import type { IDisposable } from '@lumino/disposable';

/**
 * Of which tasks it is for this page to have the end saved. Of several tabs in which a notebook shows a task it is for
 * the first; when that one has saved it, or is closed, it is the next one's turn. Were it for all at once, each but one
 * would ask about a file that has changed on disk, though nobody has done anything there.
 *
 * Locks of the browser's tell them apart. Where it has none, as for pages that come from afar without HTTPS, it is for
 * each.
 */
export class Duties implements IDisposable {
  /**
   * @param _notebook - names the notebook, alike in all tabs.
   * @param _taken - one has become this page's.
   */
  constructor(
    private readonly _notebook: () => string,
    private readonly _taken: () => void,
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    for (const id of [...this._known.keys()]) {
      this.leave(id);
    }
  }

  /** The tasks that this page has asked for, or has. */
  get all(): string[] {
    return [...this._known.keys()];
  }

  has(id: string): boolean {
    return !this._locks || !!this._known.get(id)?.isHeld;
  }

  /** Ask for one, where that has not been done. */
  ask(id: string): void {
    if (this._known.has(id) || this._isDisposed) {
      return;
    }
    const known: Known = { isHeld: false, withdrawn: new AbortController(), release: () => undefined };
    this._known.set(id, known);
    this._locks
      ?.request(`aura ${id} ${this._notebook()}`, { signal: known.withdrawn.signal }, () => this._hold(known))
      .catch((error: unknown) => {
        if (!known.withdrawn.signal.aborted) {
          throw error;
        }
      });
  }

  /** Leave one to the next page. */
  leave(id: string): void {
    const known = this._known.get(id);
    this._known.delete(id);
    known?.withdrawn.abort();
    known?.release();
  }

  private _hold(known: Known): Promise<void> {
    known.isHeld = true;
    const held = new Promise<void>((release) => {
      known.release = release;
    });
    this._taken();
    return held;
  }

  private _isDisposed = false;
  private readonly _known = new Map<string, Known>();
  private readonly _locks = (navigator as Partial<Navigator>).locks;
}

interface Known {
  isHeld: boolean;
  readonly withdrawn: AbortController;
  release: () => void;
}
