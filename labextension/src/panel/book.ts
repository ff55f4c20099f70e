import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel } from '@jupyterlab/notebook';
import { PathExt } from '@jupyterlab/coreutils';
import type { JSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { NoAnswer } from '../kernel/control';
import type { Hub, Loss } from '../kernel/hub';
import type { FromKernel, StepInfo, TaskSummary } from '../kernel/protocol';
import { groupOf, lost, lostStep } from './tasks';

/** How long the comm may take to say whether Aura is there before the control channel is asked: a cell may hold it. */
const COMM = 400; // ms

/** So many ended tasks of one notebook are listed. */
const ENDED = 500;

/** So many steps of a task are listed. */
export const STEPS = 200;

/** Whether a kernel has Aura: there is no kernel, it was asked, it has not, it does not answer, it has. */
export type Presence = 'no kernel' | 'asked' | 'absent' | 'silent' | 'here';

/** A task, with its steps where somebody looks at them. */
export interface Entry {
  task: TaskSummary;
  readonly desk: Desk;
  readonly place: string;
  /** When this page was last told of it. */
  told: number;
  /** When its state came, in the milliseconds of `performance.now()`. */
  heard: number;
  /** By their rows; missing where nobody looks. */
  steps?: Map<string, StepInfo>;
  moreSteps?: boolean;
  /** Its kernel knows it no more. */
  gone?: boolean;
}

/** A notebook and the tasks of its kernel. */
export class Desk implements IDisposable {
  constructor(
    readonly context: DocumentRegistry.IContext<INotebookModel>,
    readonly hub: Hub,
    private readonly _lostPhrase: string,
  ) {
    hub.said.connect(this._onSaid, this);
    hub.lost.connect(this._onLost, this);
    hub.woke.connect(this._onWoke, this);
  }

  readonly tasks = new Map<string, Entry>();

  /** Something is different: of one task, or of the notebook as a whole. */
  get changed(): ISignal<this, Entry | null> {
    return this._changed;
  }

  get presence(): Presence {
    return this.hub.kernel ? this._presence : 'no kernel';
  }

  get name(): string {
    return PathExt.basename(this.context.path);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      clearTimeout(this._timer);
      Signal.clearData(this);
    }
  }

  /** Whether somebody looks at the list. Who does not is told only of tasks that are under way. */
  set watched(wanted: boolean) {
    this._watched = wanted;
    this._listen();
    if (wanted && this.presence !== 'absent') {
      this.look();
    }
  }

  /** Ask the kernel for its tasks. */
  look(): void {
    if (this._presence !== 'here') {
      this._setPresence('asked');
    }
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._ask(), this._presence === 'here' ? 0 : COMM);
  }

  async ask(content: JSONObject): Promise<unknown> {
    return this.hub.ask(content);
  }

  /** Load Aura into the kernel; gives what went wrong. */
  async load(): Promise<string | null> {
    const { kernel } = this.hub;
    if (!kernel) {
      return null;
    }
    const code = '%load_ext aura_jupyter';
    try {
      const { content } = await kernel.requestExecute({ code, silent: true, store_history: false }).done;
      if (content.status === 'ok') {
        this.look();
      }
      return content.status === 'error' ? `${content.ename}: ${content.evalue}` : null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error); // the kernel has died
    }
  }

  /** Get the steps of a task, and keep them up to date from now on. */
  async open(entry: Entry): Promise<void> {
    entry.steps ??= new Map();
    const answer = (await this.ask({ kind: 'task', task_id: entry.task.task_id, limit: STEPS })) as TaskSummary & {
      steps: StepInfo[];
      more_steps: boolean;
    };
    for (const step of answer.steps) {
      entry.steps.set(step.row, step);
    }
    entry.moreSteps = answer.more_steps;
    this._changed.emit(entry);
  }

  private _listen(): void {
    let isBusy = false;
    for (const { task } of this.tasks.values()) {
      isBusy ||= groupOf(task) !== 'recent';
    }
    this.hub.panel = this._watched || isBusy;
  }

  private async _ask(): Promise<void> {
    const asked = performance.now();
    try {
      const { tasks } = (await this.ask({ kind: 'tasks', limit: ENDED })) as { tasks: TaskSummary[] };
      this._setPresence('here');
      for (const task of tasks.reverse()) {
        if ((this.tasks.get(task.task_id)?.told ?? 0) < asked) {
          this._put(task, asked);
        }
      }
    } catch (error) {
      if (this._presence === 'asked') {
        this._setPresence('silent');
      }
      if (!(error instanceof NoAnswer)) {
        console.warn('The kernel does not tell its tasks.', error);
      }
    }
  }

  private _setPresence(presence: Presence): void {
    if (presence !== this._presence && !this._isDisposed) {
      this._presence = presence;
      this._changed.emit(null);
    }
  }

  private _onSaid(_: Hub, said: FromKernel): void {
    this._setPresence('here');
    for (const { task, steps } of said.events ?? []) {
      const entry = this._put(task, performance.now());
      for (const step of steps) {
        if (entry.steps && (entry.steps.has(step.row) || entry.steps.size < STEPS)) {
          entry.steps.set(step.row, step);
        }
      }
    }
    if (said.live?.length) {
      this.hub.panel = true;
    } else if (said.events) {
      this._listen();
    }
  }

  private _put(task: TaskSummary, told: number): Entry {
    const heard = performance.now();
    let entry = this.tasks.get(task.task_id);
    if (entry) {
      Object.assign(entry, { task, told, heard });
    } else {
      entry = { task, desk: this, place: this.name, told, heard };
      this.tasks.set(task.task_id, entry);
      this._letGo();
    }
    this._changed.emit(entry);
    return entry;
  }

  private _letGo(): void {
    let surplus = this.tasks.size - ENDED;
    for (const [id, { task }] of surplus > 0 ? this.tasks : []) {
      if (surplus > 0 && groupOf(task) === 'recent') {
        this.tasks.delete(id);
        surplus -= 1;
      }
    }
  }

  private _onLost(_: Hub, loss: Loss): void {
    for (const entry of this.tasks.values()) {
      entry.task = lost(entry.task, this._lostPhrase, new Date());
      entry.gone = true;
      for (const [row, step] of entry.steps ?? []) {
        entry.steps?.set(row, lostStep(step));
      }
      this._changed.emit(entry);
    }
    this._presence = loss === 'not loaded' ? 'absent' : 'asked';
    clearTimeout(this._timer);
    this._changed.emit(null);
  }

  private _onWoke(): void {
    if (this._watched && this.presence !== 'absent' && this.presence !== 'here') {
      this.look();
    }
  }

  private _presence: Presence = 'asked';
  private _watched = false;
  private _isDisposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _changed = new Signal<this, Entry | null>(this);
}

/** The tasks of all open notebooks' kernels. */
export class Book {
  /** @param _lostPhrase - what is said of a task whose kernel stopped. */
  constructor(private readonly _lostPhrase: string) {}

  /** Something is different: of one task, or of a notebook as a whole. */
  get changed(): ISignal<this, Entry | null> {
    return this._changed;
  }

  [Symbol.iterator](): Iterator<Desk> {
    return this._desks.values();
  }

  *entries(): Generator<Entry> {
    for (const desk of this._desks.values()) {
      yield* desk.tasks.values();
    }
  }

  /** How many tasks run, and how many wait in queues. */
  get counts(): { running: number; queued: number } {
    const counts = { running: 0, queued: 0, recent: 0 };
    for (const { task } of this.entries()) {
      counts[groupOf(task)] += 1;
    }
    return counts;
  }

  of(context: unknown): Desk | undefined {
    return this._desks.get(context);
  }

  /** A notebook was opened. */
  add(context: Desk['context'], hub: Hub): void {
    if (this._desks.has(context)) {
      return;
    }
    const desk = new Desk(context, hub, this._lostPhrase);
    this._desks.set(context, desk);
    desk.changed.connect((_, entry) => {
      this._changed.emit(entry);
    });
    context.disposed.connect(() => {
      this._desks.delete(context);
      desk.dispose();
      this._changed.emit(null);
    });
    desk.watched = this._watched;
    this._changed.emit(null);
  }

  /** Whether somebody looks at the list. */
  set watched(wanted: boolean) {
    this._watched = wanted;
    for (const desk of this._desks.values()) {
      desk.watched = wanted;
    }
  }

  private _watched = false;
  private readonly _desks = new Map<unknown, Desk>();
  private readonly _changed = new Signal<this, Entry | null>(this);
}
