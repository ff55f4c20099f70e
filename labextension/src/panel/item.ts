import type { TranslationBundle } from '@jupyterlab/translation';

import { clock, icon } from '../../../aura_jupyter/notebook/card/card.js';
import type { StepInfo } from '../kernel/protocol';
import type { Entry } from './book';
import { arrange, button, el, pictureButton, setHidden, setText } from './dom';
import { groupOf, share, standingOf, standingOfStep, took, wordsOf } from './tasks';
import type { Standing } from './tasks';

/** What the buttons of a task do. */
export interface Deeds {
  go(entry: Entry): void;
  cancel(entry: Entry): Promise<unknown>;
  move(entry: Entry, place: number): Promise<unknown>;
  again(entry: Entry): Promise<unknown>;
  answer(entry: Entry, step: StepInfo, choice: string): Promise<unknown>;
  open(entry: Entry): Promise<unknown>;
}

/** A task in the list: made once and changed in place, so that only what has changed is touched. */
export class Item {
  constructor(
    readonly entry: Entry,
    private readonly _deeds: Deeds,
    private readonly _trans: TranslationBundle,
  ) {
    const go = pictureButton('go', _trans.__('Go to cell'), () => {
      _deeds.go(entry);
    });
    const move = (by: number) => () => {
      this._do(_deeds.move(entry, (entry.task.queue_place ?? 1) + by));
    };
    this._buttons = {
      go,
      up: pictureButton('up', _trans.__('Move up'), move(-1)),
      down: pictureButton('down', _trans.__('Move down'), move(1)),
      cancel: pictureButton('cancel', _trans.__('Cancel'), () => {
        this._buttons.cancel.disabled = true;
        setText(this._word, _trans.__('Cancelling…'));
        this._do(_deeds.cancel(entry));
      }),
      again: pictureButton('again', _trans.__('Run again'), () => {
        this._do(_deeds.again(entry));
      }),
    };
    this._title.ariaExpanded = 'false';
    this.node.append(
      el('div', 'a-h1', this._icon, this._title, this._time),
      el('div', 'a-h2', el('p', '', this._word, this._rest), el('div', 'a-acts', ...Object.values(this._buttons))),
      this._progress,
      this._note,
      this._rows,
    );
    this._progress.setAttribute('aria-hidden', 'true');
    this._note.setAttribute('role', 'status');
    this._rows.hidden = true;
    this._note.hidden = true;
  }

  readonly node = el('li', 'a-item');

  /** Whether its steps are shown. */
  get isOpen(): boolean {
    return !this._rows.hidden;
  }

  /**
   * Draw what has changed.
   *
   * @param hasCell - whether a cell shows a card of it.
   * @param waiting - how many tasks wait in its queue.
   */
  draw(hasCell: boolean, waiting: number, now: Date): void {
    const { task, gone } = this.entry;
    const standing = standingOf(task);
    if (standing !== this._standing) {
      this._drawStanding(standing);
      this._say('');
    }
    setText(this._title, task.title);
    this._title.title = task.title;
    const [word, rest] = wordsOf(this.entry, now);
    setText(this._word, word);
    setText(this._rest, rest && `, ${rest}`);
    this.node.title = `${task.phrase}\n${this.entry.place}`;
    const done = share(task);
    setHidden(this._progress, done === null);
    if (done !== null) {
      this._bar.style.width = `${done}%`;
    }
    const hasEnded = groupOf(task) === 'recent';
    setText(this._time, hasEnded && task.duration !== null ? took(task.duration, clock) : '');
    this._drawButtons(hasEnded, hasCell, waiting, gone === true);
    this.tick();
    if (this.isOpen) {
      this._drawSteps();
    }
  }

  /** A second has passed. */
  tick(): void {
    const { task, heard } = this.entry;
    if (groupOf(task) === 'running') {
      setText(this._time, clock((task.duration ?? 0) * 1000 + performance.now() - heard));
    }
  }

  private _drawStanding(standing: Standing): void {
    this._standing = standing;
    this.node.dataset.standing = standing;
    const drawn = icon(standing === 'lost' ? 'warn' : standing, nameOf(standing, this._trans));
    this._icon.replaceWith(drawn);
    this._icon = drawn;
  }

  private _drawButtons(hasEnded: boolean, hasCell: boolean, waiting: number, gone: boolean): void {
    const { go, up, down, cancel, again } = this._buttons;
    const place = this.entry.task.queue_place;
    setHidden(go, !hasCell);
    setHidden(up, place === null || waiting < 2);
    setHidden(down, place === null || waiting < 2);
    setHidden(cancel, hasEnded);
    setHidden(again, !hasEnded || gone);
    const focused = document.activeElement;
    up.disabled = place === 1;
    down.disabled = place !== null && place >= waiting;
    // who moves a task to the end goes on with the other button
    if (focused === up && up.disabled) {
      down.focus();
    } else if (focused === down && down.disabled) {
      up.focus();
    }
    cancel.disabled = this.entry.task.cancelling;
  }

  /** Do what a button says; where that cannot be, say why. */
  private _do(deed: Promise<unknown>): void {
    this._say('');
    deed.catch((error: unknown) => {
      this._say(error instanceof Error ? error.message : String(error));
      this._buttons.cancel.disabled = this.entry.task.cancelling;
      setText(this._word, wordsOf(this.entry, new Date())[0]);
    });
  }

  private _say(text: string): void {
    setText(this._note, text);
    setHidden(this._note, !text);
  }

  private readonly _toggle = (): void => {
    const open = this._rows.hidden;
    this._rows.hidden = !open;
    this._title.ariaExpanded = String(open);
    if (open && !this.entry.gone) {
      this._do(this._deeds.open(this.entry));
    }
    if (!open) {
      delete this.entry.steps;
    } else {
      this._drawSteps();
    }
  };

  private _drawSteps(): void {
    const rows: HTMLElement[] = [];
    for (const step of this.entry.steps?.values() ?? []) {
      let row = this._steps.get(step.row);
      if (!row) {
        row = new StepRow(this._trans, (asked, choice) => {
          this._do(this._deeds.answer(this.entry, asked, choice));
        });
        this._steps.set(step.row, row);
      }
      row.draw(step);
      rows.push(row.node);
    }
    setHidden(this._more, !this.entry.moreSteps);
    setText(this._more, this._trans.__('More steps are on its card.'));
    arrange(this._rows, this.entry.moreSteps ? [...rows, this._more] : rows);
  }

  private _standing: Standing | undefined;
  private _icon: Element = el('span');
  private readonly _title = button('a-title', '', () => {
    this._toggle();
  });
  private readonly _time = el('span', 'a-t');
  private readonly _word = el('b');
  private readonly _rest = el('span');
  private readonly _bar = el('i');
  private readonly _progress = el('div', 'a-p', this._bar);
  private readonly _note = el('p', 'aura-Panel-note');
  private readonly _rows = el('ol', 'a-rows');
  private readonly _more = el('li', 'aura-Panel-dim');
  private readonly _steps = new Map<string, StepRow>();
  private readonly _buttons: Record<'go' | 'up' | 'down' | 'cancel' | 'again', HTMLButtonElement>;
}

/** A step under its task. */
class StepRow {
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _answer: (step: StepInfo, choice: string) => void,
  ) {
    this.node.append(el('div', 'a-row', this._icon, this._name, this._detail, this._time));
  }

  readonly node = el('li');

  draw(step: StepInfo): void {
    const drawn = JSON.stringify(step);
    if (drawn === this._drawn) {
      return;
    }
    this._drawn = drawn;
    const standing = standingOfStep(step);
    if (standing !== this._standing) {
      this._standing = standing;
      const picture = icon(standing, nameOf(standing, this._trans));
      this._icon.replaceWith(picture);
      this._icon = picture;
    }
    this.node.className = `a-${standing}`;
    this.node.style.setProperty('--d', String(step.row.split('.').length - 1));
    setText(this._name, step.name);
    this._name.title = step.name;
    this._time.textContent = step.duration === null ? '' : took(step.duration, clock);
    this._drawDetail(step, standing);
  }

  private _drawDetail(step: StepInfo, standing: Standing): void {
    const parts: Node[] = [];
    if (standing === 'running' && step.done !== null && step.total) {
      const percent = Math.floor((100 * step.done) / step.total);
      const bar = el('i');
      bar.style.width = `${percent}%`;
      parts.push(el('span', 'a-bar', bar), el('b', 'a-num', `${percent} %`));
    } else if (step.question !== null) {
      const choose = (choice: string, at: number) =>
        button(at ? 'a-btn' : 'a-btn go', choice, () => {
          this._answer(step, choice);
        });
      parts.push(el('b', '', step.question), el('span', 'a-btns', ...step.choices.map(choose)));
    } else if (standing === 'lost') {
      parts.push(document.createTextNode(this._trans.__('Was running')));
    } else if (['failed', 'running', 'skipped', 'cancelled'].includes(standing)) {
      parts.push(document.createTextNode(step.detail));
    }
    this._detail.replaceChildren(...parts);
    this._detail.title = step.detail;
    this._detail.hidden = !this._detail.textContent;
  }

  private _drawn = '';
  private _standing: Standing | undefined;
  private _icon: Element = el('span');
  private readonly _name = el('span', 'a-n');
  private readonly _detail = el('span', 'a-d');
  private readonly _time = el('span', 'a-t');
}

/** The word for how a task or a step stands. */
export function nameOf(standing: Standing, trans: TranslationBundle): string {
  switch (standing) {
    case 'queued':
      return trans.__('Queued');
    case 'pending':
      return trans.__('Pending');
    case 'running':
      return trans.__('Running');
    case 'asks':
      return trans.__('Waiting for you');
    case 'cancelling':
      return trans.__('Cancelling');
    case 'completed':
      return trans.__('Completed');
    case 'failed':
      return trans.__('Failed');
    case 'skipped':
      return trans.__('Skipped');
    case 'cancelled':
      return trans.__('Cancelled');
    case 'lost':
      return trans.__('Lost');
  }
}
