import type { TranslationBundle } from '@jupyterlab/translation';

import { icon } from '../../../aura_jupyter/notebook/card/card.js';
import { NoAnswer, Refused } from '../kernel/control';
import type { ProblemInfo } from '../kernel/protocol';
import type { Desk } from './book';
import { button, el, setHidden, setText } from './dom';
import { choicesOf, filled, kindOf, limitsOf, plain } from './fields';
import type { Filled, Form, InputField } from './fields';

/** A spec that is to run. */
export interface Spec {
  /** What it is called: a file's name, or words for the cell. */
  readonly name: string;
  readonly text: string;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** One input: its label, what it is filled in with, and what is wrong with that. */
class Field {
  constructor(
    readonly about: InputField,
    place: string,
    private readonly _trans: TranslationBundle,
    changed: () => void,
  ) {
    const trans = this._trans;
    const id = `aura-field-${serial++}`;
    this._control = controlOf(about, trans);
    this._control.id = id;
    this._control.name = about.name;
    const label = el('label', '', about.name);
    label.htmlFor = id;
    const words = { default: trans.__('default'), optional: trans.__('optional') };
    const type = el('span', 'aura-Panel-dim', limitsOf(about, words));
    const notes = [about.description, noteOf(about, place, trans)].filter((text) => text);
    const note = el('p', 'aura-Panel-dim', notes.join('\n'));
    note.id = `${id}-note`;
    note.hidden = !notes.length;
    this._wrong.id = `${id}-wrong`;
    this._wrong.hidden = true;
    this._control.setAttribute('aria-describedby', `${note.id} ${this._wrong.id}`);
    this._control.ariaRequired = String(about.required && about.variable === null);
    this._control.addEventListener('change', () => {
      this._touched = true;
      changed();
    });
    if (kindOf(about) === 'check') {
      this.node.classList.add('aura-mod-check');
      this.node.append(this._control, label, type, note, this._wrong);
    } else {
      this.node.append(label, type, this._control, note, this._wrong);
    }
  }

  readonly node = el('div', 'aura-Panel-field');

  /** What it is filled in with. */
  get text(): string {
    return this._control instanceof HTMLInputElement && this._control.type === 'checkbox'
      ? String(this._control.checked)
      : this._control.value;
  }

  /** Show what is wrong; where a person has not been yet, only at the end. */
  judge(problem: ProblemInfo | undefined, isEnd: boolean): void {
    this._touched ||= isEnd;
    const shown = this._touched ? problem : undefined;
    const text = el('span', '', shown ? this._words(shown) : '');
    this._wrong.replaceChildren(...(shown ? [icon('failed'), text] : []));
    setHidden(this._wrong, !shown);
    if (shown) {
      this._control.setAttribute('aria-invalid', 'true');
    } else {
      this._control.removeAttribute('aria-invalid');
    }
  }

  focus(): void {
    this._control.focus();
  }

  private _words(problem: ProblemInfo): string {
    return problem.code === 'input-missing' ? this._trans.__('A value is needed.') : sentence(problem);
  }

  private _touched = false;
  private readonly _control: Control;
  private readonly _wrong = el('p', 'aura-Panel-wrong');
}

let serial = 0;

/** What is wrong, and what to do. */
function sentence({ message, hint }: ProblemInfo): string {
  return hint ? `${message}. ${hint}` : `${message}.`;
}

function controlOf(about: InputField, trans: TranslationBundle): Control {
  const kind = kindOf(about);
  if (kind === 'choice') {
    const select = el('select');
    const choices = choicesOf(about);
    if (about.default === null || !choices.includes(about.default)) {
      select.append(new Option(about.required ? trans.__('Choose…') : '', ''));
    }
    for (const choice of choices) {
      select.append(new Option(plain(choice), choice, false, choice === about.default));
    }
    return select;
  }
  if (kind === 'yaml') {
    const area = el('textarea');
    area.rows = about.type.startsWith('list') || about.type === 'dict' ? 2 : 1;
    area.placeholder = about.variable ?? about.default ?? '';
    area.spellcheck = false;
    return area;
  }
  const input = el('input');
  input.autocomplete = 'off';
  if (kind === 'check') {
    input.type = 'checkbox';
    input.checked = about.default === 'true';
  } else if (kind === 'secret') {
    input.type = 'password';
    input.autocomplete = 'new-password';
  } else {
    input.inputMode = kind === 'number' ? 'decimal' : 'text';
    input.placeholder = about.variable ?? (about.default === null ? '' : plain(about.default));
  }
  return input;
}

function noteOf(about: InputField, place: string, trans: TranslationBundle): string {
  if (about.variable !== null) {
    return trans.__('Left empty, it is the variable of %1: %2.', place, about.variable);
  }
  switch (kindOf(about)) {
    case 'secret':
      return trans.__('Not stored and not shown anywhere.');
    case 'yaml':
      return trans.__('YAML, as in a spec.');
    default:
      return '';
  }
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
      const says = only ? this._trans.__('Runs in the kernel of %1.', only.name) : '';
      return el('p', '', says);
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
    const form = await this._ask({ inputs: {}, texts: {} });
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

  private get _filled(): Filled {
    const fields = this._fields.map(({ about }) => about);
    return filled(fields, new Map(this._fields.map(({ about, text }) => [about.name, text])));
  }

  private async _ask(given: Filled): Promise<Form | null> {
    this._problems.replaceChildren();
    if (!this._desk) {
      this._complain([this._trans.__('A task runs in the kernel of a notebook: open one, and load Aura in it.')]);
      return null;
    }
    try {
      return (await this._desk.ask({ kind: 'inputs', task_spec: this._spec.text, ...given })) as Form;
    } catch (error) {
      this._refuse(error);
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
        use_variables: true,
      })) as { task_id: string };
      this._leave(task_id);
    } catch (error) {
      this._refuse(error);
    }
  }

  private _refuse(error: unknown): void {
    if (error instanceof NoAnswer) {
      this._complain([this._trans.__('The kernel does not answer.')]);
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
    const said = sentences.map((sentence) => el('p', 'aura-Panel-wrong', icon('failed'), el('span', '', sentence)));
    this._problems.replaceChildren(...said);
  }

  private _turn = 0;
  private _desk: Desk | undefined;
  private _fields: Field[] = [];
  private readonly _about = el('p');
  private readonly _fieldset = el('div', 'aura-Panel-fields');
  private readonly _problems = el('div');
  private readonly _said = el('span', 'aura-Panel-dim');
  private readonly _buttons = el('div', 'a-btns');
}
