import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { EXAMPLE } from '../commands/commands';
import type { Book, Desk, Entry } from './book';
import { button, el, setHidden, setText } from './dom';
import { FormView } from './form';
import type { Spec } from './form';
import { nameOf } from './item';
import type { Deeds } from './item';
import { TaskList } from './list';
import type { Standing } from './tasks';

/** What the panel can do in the application that it is in; what is missing is not offered. */
export interface Surroundings {
  readonly trans: TranslationBundle;
  /** The notebook that a person looks at, or did last. */
  current(): Desk | undefined;
  /** The spec of the current cell. */
  cell(): Spec | null;
  goToCell(id: string): void;
  insertExample?: (() => void) | undefined;
  newNotebook?: (() => void) | undefined;
  chooseKernel?: ((desk: Desk) => void) | undefined;
  chooseFile?: (() => void) | undefined;
}

const STANDINGS: readonly Standing[] = ['running', 'asks', 'queued', 'completed', 'failed', 'cancelled'];

/** The side panel: the tasks of the open notebooks' kernels, and the form that runs one. */
export class AuraPanel extends Widget {
  constructor(
    private readonly _book: Book,
    private readonly _around: Surroundings,
  ) {
    super();
    const { trans } = _around;
    this.addClass('aura-Panel');
    this._root.setAttribute('role', 'region');
    this._root.setAttribute('aria-label', trans.__('Aura tasks'));
    this._list = new TaskList(_book, this._deeds(), trans);
    this._text.type = 'search';
    this._text.placeholder = trans.__('Filter tasks');
    this._text.ariaLabel = trans.__('Filter tasks');
    this._status.ariaLabel = trans.__('Status');
    this._status.append(new Option(trans.__('Any status'), ''));
    for (const standing of STANDINGS) {
      this._status.append(new Option(nameOf(standing, trans), standing));
    }
    this._text.oninput = this._status.onchange = this._drawAll;
    this._runCell = button('a-btn', trans.__('Run cell…'), () => {
      const spec = _around.cell();
      if (spec) {
        this.run(spec);
      }
    });
    this._runCell.title = trans.__('Run the task of the current cell with other inputs');
    const head = el('div', 'a-ph', el('strong', '', trans.__('Aura')), this._runCell);
    if (_around.chooseFile) {
      head.append(button('a-btn', trans.__('Run a file…'), _around.chooseFile));
    }
    this._page.append(head, this._find, this._empty, this._list.node);
    this._root.append(this._page);
    this.node.append(this._root);
    _book.changed.connect(this._onChanged, this);
  }

  /** Fill in the inputs of a spec, and run it. */
  run(spec: Spec): void {
    // one that was just asked may well be there, and the form hears it
    const there = [...this._book].filter(({ presence }) => presence === 'here' || presence === 'asked');
    const current = this._around.current();
    const desks = there.sort((a, b) => Number(b === current) - Number(a === current));
    this._form?.node.remove();
    const before = document.activeElement;
    this._form = new FormView(spec, desks, this._around.trans, (task) => {
      this._leave(task, before);
    });
    this._page.hidden = true;
    this._root.append(this._form.node);
  }

  /** Another notebook or another cell is the current one. */
  look(): void {
    if (this.isVisible) {
      this._drawAll(); // else it is drawn when it is shown
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._stop();
      this._book.changed.disconnect(this._onChanged, this);
      super.dispose();
    }
  }

  protected override onAfterShow(_message: Message): void {
    this._start();
  }

  protected override onAfterAttach(_message: Message): void {
    if (this.isVisible) {
      this._start();
    }
  }

  protected override onBeforeHide(_message: Message): void {
    this._stop();
  }

  protected override onBeforeDetach(_message: Message): void {
    this._stop();
  }

  protected override onActivateRequest(_message: Message): void {
    const first = this._form?.node ?? (this._find.hidden ? this._page : this._find);
    first.querySelector<HTMLElement>('input, select, textarea, button:not([hidden])')?.focus();
  }

  private _start(): void {
    this._book.watched = true;
    this._drawAll();
    clearInterval(this._clock);
    this._clock = setInterval(() => {
      if (!document.hidden) {
        this._list.tick();
      }
    }, 1000);
  }

  private _stop(): void {
    this._book.watched = false;
    clearInterval(this._clock);
  }

  private _leave(task: string | null, before: Element | null): void {
    this._form?.node.remove();
    this._form = undefined;
    this._page.hidden = false;
    this._drawAll();
    if (task === null && before instanceof HTMLElement) {
      before.focus();
    } else {
      this.activate();
    }
  }

  private _deeds(): Deeds {
    const ask = (kind: string, more: object = {}) => {
      return async ({ desk, task: { task_id } }: Entry) => desk.ask({ kind, task_id, ...more });
    };
    return {
      go: ({ task }) => {
        this._around.goToCell(task.task_id);
      },
      cancel: ask('cancel'),
      again: ask('rerun'),
      move: async (entry, place) => ask('move', { place })(entry),
      answer: async (entry, step, choice) => ask('answer', { step: step.row, choice })(entry),
      open: async (entry) => entry.desk.open(entry),
    };
  }

  private _onChanged(_: Book, entry: Entry | null): void {
    if (entry && this._changed !== 'all') {
      this._changed.add(entry);
    } else {
      this._changed = 'all';
    }
    if (this.isVisible) {
      this._due ??= requestAnimationFrame(this._draw);
    }
  }

  private readonly _drawAll = (): void => {
    this._changed = 'all';
    this._due ??= requestAnimationFrame(this._draw);
  };

  /** Whatever has come is drawn at once, before the page is next painted. */
  private readonly _draw = (): void => {
    this._due = undefined;
    if (this.isDisposed) {
      return;
    }
    const changed = this._changed;
    this._changed = new Set();
    this._list.draw(changed, { text: this._text.value.trim(), standing: this._status.value as Standing | '' });
    if (changed === 'all' || this._isBare !== !this._list.shown) {
      this._drawAround();
    }
  };

  private _drawAround(): void {
    const all = [...this._book.entries()].length;
    this._isBare = !this._list.shown;
    setHidden(this._find, !all);
    this._runCell.hidden = this._around.cell() === null;
    const says = this._says(all);
    const drawn = says.map((each) => each.textContent).join('|');
    if (drawn !== this._empty.dataset.says) {
      this._empty.dataset.says = drawn;
      this._empty.replaceChildren(...says);
    }
  }

  /** What is to be said where there is nothing to list, or of a notebook that has no tasks to list. */
  private _says(all: number): HTMLElement[] {
    const { trans, current, newNotebook, insertExample } = this._around;
    const desks = [...this._book];
    if (!desks.length) {
      const says = trans.__('Aura shows the tasks of the notebooks that are open here.');
      return this._teach(trans.__('No notebook is open'), says, trans.__('New notebook'), newNotebook);
    }
    const desk = current() ?? desks[0];
    const missing = desk && this._missing(desk);
    if (missing) {
      return missing;
    }
    if (!all) {
      if (desk?.presence !== 'here') {
        return [];
      }
      const example = el('pre', '', EXAMPLE.trimEnd());
      example.tabIndex = 0;
      const says = trans.__('A task is a cell that begins with %1:', '%%aura');
      const label = trans.__('Insert this example');
      return this._teach(trans.__('No tasks yet'), says, label, insertExample, example);
    }
    if (!this._list.shown) {
      const sought = this._text.value.trim();
      const title = sought ? trans.__('No task matches “%1”', sought) : trans.__('No task has this status');
      const says = trans._n('%1 task is hidden by the filter.', '%1 tasks are hidden by the filter.', all);
      return this._teach(title, says, trans.__('Clear the filter'), () => {
        this._text.value = this._status.value = '';
        this._text.focus();
        this._drawAll();
      });
    }
    return [];
  }

  /** What a notebook lacks for having tasks; null where that is nothing. */
  private _missing(desk: Desk): HTMLElement[] | null {
    const { trans, chooseKernel } = this._around;
    switch (desk.presence) {
      case 'no kernel': {
        const says = trans.__('Tasks run in a kernel, and %1 has none.', desk.name);
        const choose = chooseKernel && (() => { chooseKernel(desk); }); // prettier-ignore
        return this._teach(trans.__('No kernel'), says, trans.__('Choose a kernel…'), choose);
      }
      case 'absent': {
        const says = trans.__('%1 has a kernel, but Aura is not loaded in it.', desk.name);
        return this._teach(trans.__('Aura is not loaded'), says, trans.__('Load Aura'), () => void this._load(desk));
      }
      case 'silent': {
        const says = trans.__('The kernel of %1 does not answer. It may be starting, or busy without Aura.', desk.name);
        return this._teach(trans.__('No answer'), says, trans.__('Ask again'), () => {
          desk.look();
        });
      }
      default:
        return null;
    }
  }

  private async _load(desk: Desk): Promise<void> {
    const { trans } = this._around;
    const failed = await desk.load();
    if (failed !== null) {
      const hint = trans.__('Install it where this kernel runs: %1', '%pip install aura_jupyter');
      this._empty.append(el('p', 'aura-Panel-wrong', el('span', '', `${failed}. ${hint}`)));
    }
  }

  private _teach(
    title: string,
    says: string,
    label: string,
    press: (() => void) | undefined,
    more?: HTMLElement,
  ): HTMLElement[] {
    const parts: HTMLElement[] = [el('strong', '', title), el('p', '', says)];
    if (more) {
      parts.push(more);
    }
    if (press) {
      parts.push(button('a-btn go', label, press));
    }
    return parts;
  }

  private _changed: Set<Entry> | 'all' = 'all';
  private _due: number | undefined;
  private _clock: ReturnType<typeof setInterval> | undefined;
  private _form: FormView | undefined;
  private _isBare: boolean | undefined;
  private readonly _list: TaskList;
  private readonly _runCell: HTMLButtonElement;
  private readonly _text = el('input');
  private readonly _status = el('select');
  private readonly _find = el('div', 'aura-Panel-find', this._text, this._status);
  private readonly _empty = el('div', 'aura-Panel-empty');
  private readonly _page = el('div');
  private readonly _root = el('div', 'aura a-ui aura-Panel-root');
}

/** What is said in the status bar. */
export class StatusItem extends Widget {
  constructor(
    private readonly _trans: TranslationBundle,
    open: () => void,
  ) {
    super({ node: button('aura-Status', '', open) });
  }

  say(counts: { running: number; queued: number }): void {
    const parts = [
      counts.running ? this._trans.__('%1 running', counts.running) : '',
      counts.queued ? this._trans.__('%1 queued', counts.queued) : '',
    ].filter((part) => part);
    setText(this.node, this._trans.__('Aura: %1', parts.join(', ')));
  }
}
