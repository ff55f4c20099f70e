import type { INotebookModel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';

/** What one page writes is with the others before the next one's turn, also where a hidden page wakes once a second. */
const TURN = 1200; // ms

/**
 * When this page may write into the outputs of a notebook. Where pages share a document, those take turns that have it
 * open, and look again when it is theirs: two that put an output in the place of one at the same time would both add
 * one. The first turn is that of JupyterLab itself, which brings the end of a task into the cell that this page ran.
 */
export class Turns implements IDisposable {
  /** @param _write - looks for what is to be written of tasks, and writes it. */
  constructor(
    private readonly _model: Pick<INotebookModel, 'collaborative' | 'sharedModel'>,
    private readonly _write: (ids: ReadonlySet<string>) => void,
  ) {}

  /** Whether other pages may write into this document. */
  get isShared(): boolean {
    return !!this._model.collaborative;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    for (const timer of this._timers) {
      clearTimeout(timer);
    }
  }

  /**
   * There may be something to write. Each call has a turn of its own: pages that wait for what they write next would
   * meet sooner or later.
   *
   * @param tasks - the ids of those that it is about.
   * @param alone - whether JupyterLab has nothing to write of them.
   */
  take(tasks: Iterable<string>, alone = false): void {
    const ids = new Set(tasks);
    if (!this.isShared) {
      this._write(ids);
      return;
    }
    const timer = setTimeout(
      () => {
        this._timers.delete(timer);
        this._write(ids);
      },
      (alone ? this._place : this._place + 1) * TURN,
    );
    this._timers.add(timer);
  }

  /** The place of this page among those that have the document open, from 0. */
  private get _place(): number {
    const { awareness } = this._model.sharedModel;
    return [...awareness.getStates().keys()].filter((id) => id < awareness.clientID).length;
  }

  private _isDisposed = false;
  private readonly _timers = new Set<ReturnType<typeof setTimeout>>();
}
