import type { TranslationBundle } from '@jupyterlab/translation';

import { icon } from '../../../aura_jupyter/notebook/card/card.js';
import { NoAnswer, Refused } from '../kernel/control';
import type { Desk } from './book';
import { button, el, setText } from './dom';
import { Field, capital, sentence } from './field';
import { filled } from './fields';
import type { Filled, Form } from './fields';

/** A spec that is to run. */
export interface Spec {
  /** What it is called: a file's name, or words for the cell. */
  readonly name: string;
  readonly text: string;
}

/** The form that a spec's inputs are filled in with. What is wrong is told before anything runs. */
export class FormView {
  /**
   * @param spec - what is to run.
   * @param desks - the notebooks in whose kernels it may run; the first is offered.
   * @param leave - called at the end, with the id of the task where one was started.
   */
  constructor(
    private readonly _spec: Spec,
    private readonly _desks: readonly Desk[],
    private readonly _trans: TranslationBundle,
    private readonly _leave: (task: string | null) => void,
  ) {
    [this._desk] = _desks;
    const run = button('a-btn go', _trans.__('Run'), () => void this._run());
    const back = button('a-btn', _trans.__('Back'), () => {
      _leave(null);
    });
    this.node.setAttribute('aria-label', _trans.__('Run %1', _spec.name));
    this._said.setAttribute('role', 'status');
    this._problems.setAttribute('role', 'alert');
    this.node.onsubmit = (event) => {
      event.preventDefault();
      void this._run();
    };
    this.node.onkeydown = (event) => {
      if (event.key === 'Escape') {
        event.preventDefault();
        _leave(null);
      }
    };
    run.type = 'submit';
    run.onclick = null;
    this._buttons.append(run, back, this._said);
    this.node.append(
      el('div', 'a-ph', el('strong', '', _spec.name)),
      this._about,
      this._kernel(),
      this._fieldset,
      this._problems,
      this._buttons,
    );
    void this._begin();
  }

  readonly node = el('form', 'aura-Panel-form');

  private _kernel(): HTMLElement {
    const [only, second] = this._desks;
    if (!second) {
      const [before = '', after = ''] = this._trans.__('Runs in the kernel of %1.', '%1').split('%1');
      return only ? el('p', '', before, el('strong', '', only.name), after) : el('p');
    }
    const select = el('select');
    this._desks.forEach((desk, place) => {
      select.append(new Option(desk.name, String(place)));
    });
    select.onchange = () => {
      this._desk = this._desks[Number(select.value)];
      void this._begin();
    };
    return el('label', 'aura-Panel-kernel', this._trans.__('Kernel of '), select);
  }

  /** Ask what the spec takes, and draw that. */
  private async _begin(): Promise<void> {
    const form = await this._ask({ inputs: {}, texts: {}, variables: {} });
    if (!form || !this._desk) {
      return;
    }
    const steps = this._trans._n('%1 step', '%1 steps', form.steps);
    setText(this._about, form.title ? `${form.title}, ${steps}.` : `${steps}.`);
    const { name } = this._desk;
    this._fields = form.fields.map(
      (about) =>
        new Field(about, name, this._trans, () => {
          void this._check(false);
        }),
    );
    this._fieldset.replaceChildren(...this._fields.map(({ node }) => node));
    const first = this._fields[0] ?? (this._buttons.firstElementChild as HTMLElement);
    if (this.node.isConnected) {
      first.focus();
    }
  }

  /** What is said where there is no kernel to run in. */
  private get _none(): string {
    return this._trans.__('A task runs in the kernel of a notebook: open one, and load Aura in it.');
  }

  private get _filled(): Filled {
    const fields = this._fields.map(({ about }) => about);
    return filled(fields, new Map(this._fields.map(({ about, written }) => [about.name, written])));
  }

  private async _ask(given: Filled): Promise<Form | null> {
    this._problems.replaceChildren();
    const desk = this._desk;
    if (!desk) {
      this._complain([this._none]);
      return null;
    }
    try {
      const form = (await desk.ask({ kind: 'inputs', task_spec: this._spec.text, ...given })) as Form;
      return desk === this._desk ? form : null; // another kernel may have been chosen meanwhile
    } catch (error) {
      if (desk === this._desk) {
        this._refuse(error);
      }
      return null;
    }
  }

  /** Ask what is wrong with what is filled in; gives the form where nothing is. */
  private async _check(isEnd: boolean): Promise<Form | null> {
    const turn = ++this._turn;
    const form = await this._ask(this._filled);
    if (!form || turn !== this._turn) {
      return null;
    }
    const problems = new Map(form.problems.map((problem) => [problem.path, problem]));
    for (const field of this._fields) {
      field.judge(problems.get(field.about.name), isEnd);
      problems.delete(field.about.name);
    }
    this._complain([...problems.values()].map(sentence));
    const { length } = form.problems;
    if (isEnd || !length) {
      setText(this._said, length ? this._trans._n('%1 problem', '%1 problems', length) : '');
    }
    if (isEnd) {
      this._fields.find(({ about }) => form.problems.some(({ path }) => path === about.name))?.focus();
    }
    return length ? null : form;
  }

  private async _run(): Promise<void> {
    if (this._isRunning) {
      return;
    }
    this._isRunning = true;
    try {
      await this._submit();
    } finally {
      this._isRunning = false;
    }
  }

  private async _submit(): Promise<void> {
    const given = this._filled;
    const form = await this._check(true);
    if (!form || !this._desk) {
      return;
    }
    const inputs = { ...given.inputs, ...form.values };
    const title = form.title ?? this._spec.name;
    try {
      const { task_id } = (await this._desk.ask({
        kind: 'run_ad_hoc',
        task_spec: this._spec.text,
        inputs,
        title,
        variables: given.variables,
        use_variables: true,
      })) as { task_id: string };
      if (this.node.isConnected) {
        this._leave(task_id); // else it was left meanwhile
      }
    } catch (error) {
      this._refuse(error);
    }
  }

  private _refuse(error: unknown): void {
    if (error instanceof NoAnswer) {
      this._complain([this._desk?.presence === 'here' ? this._trans.__('The kernel does not answer.') : this._none]);
    } else if (error instanceof Refused && error.problems.length) {
      this._complain(
        error.problems.map((problem) => {
          const where = problem.line === null ? '' : `${this._trans.__('Line %1', problem.line)}: `;
          return where + sentence(problem);
        }),
      );
    } else {
      this._complain([error instanceof Error ? error.message : String(error)]);
    }
  }

  private _complain(sentences: readonly string[]): void {
    const said = sentences.map((sentence) =>
      el('p', 'aura-Panel-wrong', icon('failed'), el('span', '', capital(sentence))),
    );
    this._problems.replaceChildren(...said);
  }

  private _turn = 0;
  private _isRunning = false;
  private _desk: Desk | undefined;
  private _fields: Field[] = [];
  private readonly _about = el('p');
  private readonly _fieldset = el('div', 'aura-Panel-fields');
  private readonly _problems = el('div');
  private readonly _said = el('span', 'aura-Panel-dim');
  private readonly _buttons = el('div', 'a-btns');
}
