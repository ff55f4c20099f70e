import type { CodeCell, ICellModel } from '@jupyterlab/cells';
import type { IMimeBundle, INotebookContent } from '@jupyterlab/nbformat';
import type { Contents } from '@jupyterlab/services';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { IObservableList } from '@jupyterlab/observables';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { Hub } from '../kernel/hub';
import type { Loss } from '../kernel/hub';
import type { FromKernel } from '../kernel/protocol';
import type { CardOf } from '../kernel/rest';
import { Duties } from './duties';
import { Filler } from './filler';
import { cardsIn, closedIn, isOpen, latest, pictureOf, storable, withoutView, write } from './outputs';
import type { CardOutput } from './outputs';
import { MIME } from './picture';
import type { Picture } from './picture';
import { Turns } from './turns';

/**
 * How long the widget manager of a notebook may take to be restored, after a kernel has answered; it says so in no way.
 * A view that is drawn before says "Loading widget…" for that time.
 */
const RESTORED = 400; // ms

/** How often the outputs are looked through while something changes; that takes a fifth of a millisecond. */
const LOOK = 500; // ms

/** So many ends are kept for outputs that come back later; of others the kernel is asked. */
const ENDS = 50;

/**
 * Keeps the cards of a notebook: whatever is reloaded, closed, moved or out of view, the end of each task gets into the
 * outputs that show it, a kernel that is lost is noticed, and no file holds a widget's view.
 *
 * There is one for each document, however many panels show it.
 */
export class Keeper implements IDisposable {
  constructor(
    private readonly _context: DocumentRegistry.IContext<INotebookModel>,
    cardOf: CardOf,
    private readonly _contents: Contents.IManager,
  ) {
    this.hub = new Hub(_context.sessionContext);
    this._turns = new Turns(_context.model, (ids) => {
      this._put(this._cells, ids);
    });
    this._duties = new Duties(
      () => `${_contents.serverSettings.baseUrl} ${_context.path}`,
      () => {
        this._onDuty();
      },
    );
    this._filler = new Filler(
      () => this._silent(),
      cardOf,
      (picture) => {
        this._fill(picture);
      },
    );
    this.hub.said.connect(this._onSaid, this);
    this.hub.lost.connect(this._onLost, this);
    this.hub.woke.connect(this._askForOpen, this);
    this._storeWhatIsSeen();
    this._cells.changed.connect(this._onCells, this);
    _context.model.contentChanged.connect(this._onContent, this);
    this._settle(this._cells);
    void _context.ready.then(() => {
      this._settle(this._cells);
    });
    _context.saveState.connect(this._onSave, this);
    _context.disposed.connect(this.dispose, this);
  }

  readonly hub: Hub;

  /** A task that this page knew as running has ended. */
  get ended(): ISignal<this, Picture> {
    return this._ended;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._looking);
    clearTimeout(this._restoring);
    this.hub.dispose();
    this._filler.dispose();
    this._turns.dispose();
    this._duties.dispose();
    Signal.clearData(this);
  }

  /** A panel shows the notebook. */
  addPanel(panel: NotebookPanel): void {
    this._panels.add(panel);
    panel.disposed.connect(() => {
      this._panels.delete(panel);
    });
  }

  /** The ids of the tasks that run, as far as they have cards here. */
  get running(): Iterable<string> {
    return this._live.keys();
  }

  /** The place of the first cell that shows a card of this task; -1 where there is none. */
  indexOf(id: string): number {
    const holds = (cell: ICellModel): boolean => [...cardsIn([cell])].some(({ picture }) => picture.task_id === id);
    return [...this._cells].findIndex(holds);
  }

  private get _cells(): INotebookModel['cells'] {
    return this._context.model.cells;
  }

  private *_open(cells: Iterable<ICellModel> = this._cells): Generator<CardOutput> {
    for (const card of cardsIn(cells)) {
      if (isOpen(card)) {
        yield card;
      }
    }
  }

  /** Saving writes what a page shows at this moment; nothing is drawn anew, and the notebook stays as it is. */
  private _storeWhatIsSeen(): void {
    const { model } = this._context;
    const plain = model.toJSON.bind(model) as () => INotebookContent;
    model.toJSON = () => storable(plain(), (id) => this._seen(id));
  }

  private _onCells(_: unknown, change: IObservableList.IChangedArgs<ICellModel>): void {
    if (change.type === 'add' || change.type === 'set') {
      this._settle(change.newValues);
    }
  }

  /** Cells have come, from a file or by undoing, pasting, moving: what is known of their cards is put there. */
  private _settle(cells: Iterable<ICellModel>): void {
    const ids = new Set([...this._open(cells)].map(({ picture }) => picture.task_id));
    if (this._turns.isShared) {
      this._turns.take(ids);
    } else {
      this._put(cells, ids);
    }
    const unknown = new Set<string>();
    for (const card of [...this._open(cells)]) {
      const id = card.picture.task_id;
      this._duties.ask(id);
      if (this._ends.has(id) || this._gone.has(id) || this._live.has(id)) {
        continue;
      }
      unknown.add(id);
      if (card.hasView) {
        this._found.add(id);
        if (!this._turns.isShared) {
          // the first that is drawn is what was saved: a view would say "Loading widget…" until the kernel is there
          this._quietly(() => {
            write(card, withoutView(card));
          });
        }
      }
    }
    if (this._context.isReady) {
      this._watch(unknown);
    }
  }

  /** Put what is known of tasks into their cards. */
  private _put(cells: Iterable<ICellModel>, ids: ReadonlySet<string>): void {
    for (const card of [...cardsIn(cells)].filter(({ picture }) => ids.has(picture.task_id))) {
      const id = card.picture.task_id;
      const end = this._ends.get(id);
      const live = this._live.get(id);
      // a picture of an end that came another way has no text and HTML with it
      if (end && (!card.picture.final || this._filled.has(id))) {
        this._change(id, () => {
          write(card, end);
        });
      } else if (!isOpen(card)) {
        continue;
      } else if (this._gone.has(id)) {
        this._quietly(() => {
          this._lose(card);
        });
      } else if (live && !card.hasView && this._isRestored) {
        this._quietly(() => {
          write(card, live);
        });
      }
    }
  }

  /** A card may have come; a cell that waits for its task says so in no other way. */
  private _onContent(): void {
    this._looking ??= setTimeout(() => {
      this._looking = undefined;
      this._askForOpen();
    }, LOOK);
  }

  private _askForOpen(): void {
    if (this._isDisposed || !this._context.isReady) {
      return;
    }
    const unknown = new Set<string>();
    for (const { picture } of this._open()) {
      this._duties.ask(picture.task_id);
      if (!this._live.has(picture.task_id)) {
        unknown.add(picture.task_id);
      }
    }
    this._watch(unknown);
  }

  private _watch(ids: Iterable<string>): void {
    this.hub.watch(ids);
    this._filler.start();
  }

  /** The tasks that the kernel has said nothing of to this page, and that no widget shows. */
  private *_silent(): Generator<string> {
    for (const { picture, hasView } of this.hub.kernel && !this._turns.isShared ? this._open() : []) {
      if (!hasView && !this._live.has(picture.task_id)) {
        yield picture.task_id;
      }
    }
  }

  /** A picture has come another way than from the kernel, which will say it all when it is free. */
  private _fill(picture: Picture): void {
    this._filled.add(picture.task_id);
    this._quietly(() => {
      for (const card of [...this._open()]) {
        if (card.picture.task_id === picture.task_id && !card.hasView) {
          // newer than any that a file holds, whatever time that says
          write(card, { ...withoutView(card), [MIME]: { ...card.picture, ...picture } } as unknown as IMimeBundle);
        }
      }
    });
  }

  private _onSaid(_: Hub, said: FromKernel): void {
    this._restoring ??= setTimeout(() => {
      this._isRestored = true;
      this._turns.take(this._live.keys());
    }, RESTORED);
    for (const bundle of said.live ?? []) {
      this._onLive(bundle);
    }
    for (const bundle of said.final ?? []) {
      this._onEnd(bundle);
    }
    for (const id of said.gone ?? []) {
      this._gone.add(id);
      this._live.delete(id);
    }
    if (said.gone?.length) {
      this._turns.take(said.gone, true);
    }
  }

  private _onLive(bundle: IMimeBundle): void {
    const id = pictureOf(bundle)?.task_id;
    if (id === undefined) {
      return;
    }
    this._gone.delete(id);
    this._live.set(id, bundle);
    if (this._isRestored) {
      this._turns.take([id]);
    }
  }

  private _onEnd(bundle: IMimeBundle): void {
    const picture = pictureOf(bundle);
    if (!picture) {
      return;
    }
    const id = picture.task_id;
    const ran = this._live.delete(id);
    this._gone.delete(id);
    this._ends.delete(id);
    this._ends.set(id, bundle);
    for (const oldest of this._ends.keys()) {
      if (this._ends.size <= ENDS) {
        break;
      }
      this._ends.delete(oldest);
    }
    this._turns.take([id]);
    this._filled.delete(id);
    if (ran) {
      this._ended.emit(picture);
    }
  }

  /**
   * The kernel has stopped, or never knew what was saved. Only what is seen to stop changes the notebook; a card that
   * came from the kernel while this page looked on is none of those that it does not know.
   */
  private _onLost(_: Hub, loss: Loss): void {
    clearTimeout(this._restoring);
    this._restoring = undefined;
    this._isRestored = false;
    this._live.clear();
    const lost = [...this._open()].filter(
      ({ picture, hasView }) => loss === 'stopped' || !hasView || this._found.has(picture.task_id),
    );
    const ids = new Set(lost.map(({ picture }) => picture.task_id));
    for (const id of ids) {
      this._gone.add(id);
    }
    if (loss === 'stopped' && !this._turns.isShared) {
      for (const card of lost) {
        this._change(card.picture.task_id, () => {
          this._lose(card);
        });
      }
    } else {
      this._turns.take(ids, loss === 'not loaded');
    }
  }

  /** From now on a card shows what was last seen of its task, and that the kernel stopped. */
  private _lose(card: CardOutput): void {
    const seen = this._seen(card.picture.task_id);
    const picture = seen ? latest(card.picture, seen) : card.picture;
    write(card, { ...withoutView(card), [MIME]: { ...picture, lost: true } } as unknown as IMimeBundle);
  }

  /** The newest picture of a task that this page shows. Each card's node gives its own. */
  private _seen(id: string): Picture | undefined {
    let newest: Picture | undefined;
    for (const root of this._roots()) {
      for (const node of root.querySelectorAll<HTMLElement & { aura?: () => Picture }>('.aura-card')) {
        const picture = node.aura?.();
        if (picture?.task_id === id && (!newest || picture.now > newest.now)) {
          newest = picture;
        }
      }
    }
    return newest;
  }

  /** Where cards are drawn: on the page, and in outputs that are hidden. */
  private *_roots(): Generator<ParentNode> {
    yield document;
    for (const panel of this._panels) {
      for (const cell of panel.content.widgets) {
        const hidden = cell.model.type === 'code' ? (cell as CodeCell).outputArea.node : document;
        if (!hidden.isConnected) {
          yield hidden;
        }
      }
    }
  }

  /** Put into the notebook what has become of a task; to have that saved is for one page. */
  private _change(id: string, change: () => void): void {
    this._unsaved.add(id);
    this._duties.ask(id);
    if (this._turns.isShared || this._duties.has(id)) {
      change();
    } else {
      this._quietly(change);
    }
  }

  /** It has become this page's to have something saved, which another page may have done. */
  private _onDuty(): void {
    this._checking ??= this._check().finally(() => {
      this._checking = undefined;
    });
  }

  private async _check(): Promise<void> {
    const { model, path } = this._context;
    const due = (): string[] => [...this._unsaved].filter((id) => this._duties.has(id));
    for (let ids = due(); ids.length && !model.dirty; ids = due()) {
      const file = this._contents.get(path, { type: 'notebook', format: 'json', content: true });
      const stored = await file.then(closedIn, () => new Set());
      if (this._isDisposed) {
        return;
      }
      if (ids.some((id) => !stored.has(id))) {
        model.dirty = true;
      }
      for (const id of ids.filter((each) => stored.has(each))) {
        this._done(id);
      }
    }
  }

  private _onSave(_: unknown, state: DocumentRegistry.SaveState): void {
    if (state === 'started') {
      const open = new Set([...this._open()].map(({ picture }) => picture.task_id));
      this._saving = this._duties.all.filter((id) => !open.has(id));
    } else if (state === 'completed') {
      for (const id of this._saving) {
        this._done(id);
      }
    }
  }

  private _done(id: string): void {
    this._unsaved.delete(id);
    this._duties.leave(id);
  }

  /** Do something that is no change of the person's notebook. A shared one is the server's to save. */
  private _quietly(change: () => void): void {
    const { model } = this._context;
    const { dirty } = model;
    change();
    if (!dirty && !this._turns.isShared) {
      model.dirty = false;
    }
  }

  private _isDisposed = false;
  private _isRestored = false;
  private _restoring: ReturnType<typeof setTimeout> | undefined;
  private _looking: ReturnType<typeof setTimeout> | undefined;
  private readonly _panels = new Set<NotebookPanel>();
  private _saving: readonly string[] = [];
  private _checking: Promise<void> | undefined;
  private readonly _turns: Turns;
  private readonly _duties: Duties;
  /** Tasks of which this page has put the end into the notebook, and nobody has said that it is saved. */
  private readonly _unsaved = new Set<string>();
  private readonly _filler: Filler;
  private readonly _filled = new Set<string>();
  private readonly _live = new Map<string, IMimeBundle>();
  private readonly _ends = new Map<string, IMimeBundle>();
  private readonly _gone = new Set<string>();
  /** Tasks whose cards came with a view, of which it was not known whether their kernel is there. */
  private readonly _found = new Set<string>();
  private readonly _ended = new Signal<this, Picture>(this);
}
