import type { TranslationBundle } from '@jupyterlab/translation';

import { icon } from '../../../aura_jupyter/notebook/card/card.js';
import { NoAnswer, Refused } from '../kernel/control';
import type { ProblemInfo } from '../kernel/protocol';
import type { Desk } from './book';
import { button, el, setHidden, setText } from './dom';
import { choicesOf, filled, kindOf, limitsOf, plain } from './fields';
import type { Filled, Form, InputField, Written } from './fields';

/** A spec that is to run. */
export interface Spec {
  /** What it is called: a file's name, or words for the cell. */
  readonly name: string;
  readonly text: string;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** The choice to write a value where variables are offered. No variable has such a name. */
const WRITE = ' ';

/** One input: its label, what it is filled in with, and what is wrong with that. */
class Field {
  constructor(
    readonly about: InputField,
    private readonly _place: string,
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
    const words = { default: trans.__('default'), optional: trans.__('optional'), to: trans.__('to') };
    const type = el('span', 'aura-Panel-dim', limitsOf(about, words));
    this._note.id = `${id}-note`;
    this._wrong.id = `${id}-wrong`;
    this._wrong.hidden = true;
    this._control.setAttribute('aria-describedby', `${this._note.id} ${this._wrong.id}`);
    this._control.ariaRequired = String(about.required && about.variable === null);
    this._control.addEventListener('change', () => {
      this._touched = this._text === null || this._text.hidden || this._text.value !== '';
      this._drawNote();
      changed();
    });
    if (kindOf(about) === 'check') {
      this.node.classList.add('aura-mod-check');
      this.node.append(this._control, label, type, this._note, this._wrong);
    } else {
      this.node.append(label, type, this._control, this._note, this._wrong);
    }
    if (kindOf(about) === 'variable') {
      this._text = areaOf(about);
      this._text.ariaLabel = trans.__('%1 as YAML', about.name);
      this._text.setAttribute('aria-describedby', `${this._note.id} ${this._wrong.id}`);
      this._text.addEventListener('change', () => {
        this._touched = true;
        changed();
      });
      this._control.after(this._text);
    }
    this._drawNote();
  }

  readonly node = el('div', 'aura-Panel-field');

  /** What it is filled in with. */
  get written(): Written {
    const { value } = this._control;
    if (this._text) {
      return value === WRITE ? { text: this._text.value } : value === '' ? { text: '' } : { variable: value };
    }
    const isBox = this._control instanceof HTMLInputElement && this._control.type === 'checkbox';
    return { text: isBox ? String(this._control.checked) : value };
  }

  /** Show what is wrong; where a person has not been yet, only at the end. */
  judge(problem: ProblemInfo | undefined, isEnd: boolean): void {
    this._touched ||= isEnd;
    const shown = this._touched ? problem : undefined;
    const text = el('span', '', shown ? this._words(shown) : '');
    this._wrong.replaceChildren(...(shown ? [icon('failed'), text] : []));
    setHidden(this._wrong, !shown);
    for (const control of [this._control, this._text]) {
      if (shown && control === this._asked) {
        control.setAttribute('aria-invalid', 'true');
      } else {
        control?.removeAttribute('aria-invalid');
      }
    }
  }

  focus(): void {
    this._asked.focus();
  }

  /** What is to be filled in: the text where one writes, else the choice. */
  private get _asked(): Control {
    return this._text && !this._text.hidden ? this._text : this._control;
  }

  /** What stands under the field; with variables offered, where its value comes from. */
  private _drawNote(): void {
    const { value } = this._control;
    if (this._text) {
      setHidden(this._text, value !== WRITE);
    }
    const lines = [this.about.description, noteOf(this.about, value, this._place, this._trans)].filter((line) => line);
    setText(this._note, lines.join('\n'));
    setHidden(this._note, !lines.length);
  }

  private _words(problem: ProblemInfo): string {
    return problem.code === 'input-missing' ? this._trans.__('A value is needed.') : capital(sentence(problem));
  }

  private _touched = false;
  private _text: HTMLTextAreaElement | null = null;
  private readonly _control: Control;
  private readonly _note = el('p', 'aura-Panel-dim');
  private readonly _wrong = el('p', 'aura-Panel-wrong');
}

let serial = 0;

/** What is wrong, and what to do. */
function sentence({ message, hint }: ProblemInfo): string {
  return hint ? `${message}. ${hint}` : `${message}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
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
  if (kind === 'variable') {
    const select = el('select');
    select.append(new Option(unchosen(about, trans), ''));
    for (const { name, preview } of about.offers) {
      if (about.variable === null || name !== about.name) {
        select.append(new Option(`${name}, ${preview}`, name));
      }
    }
    select.append(new Option(trans.__('Write it as YAML…'), WRITE));
    return select;
  }
  if (kind === 'yaml') {
    return areaOf(about);
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

function areaOf(about: InputField): HTMLTextAreaElement {
  const area = el('textarea');
  area.rows = about.type.startsWith('list') || about.type === 'dict' ? 2 : 1;
  area.placeholder = about.variable ?? about.default ?? '';
  area.spellcheck = false;
  return area;
}

/** What an input is where no variable is chosen and nothing written. */
function unchosen(about: InputField, trans: TranslationBundle): string {
  if (about.variable !== null) {
    return `${about.name}, ${about.variable}`;
  }
  return about.default ?? (about.required ? trans.__('Choose…') : '');
}

function noteOf(about: InputField, value: string, place: string, trans: TranslationBundle): string {
  const kind = kindOf(about);
  if (kind === 'variable' && value !== WRITE) {
    return value || about.variable !== null ? trans.__('A variable of %1.', place) : '';
  }
  if (kind !== 'variable' && about.variable !== null) {
    return trans.__('Left empty, it is the variable of %1: %2.', place, about.variable);
  }
  switch (kind) {
    case 'secret':
      return trans.__('Not stored and not shown anywhere.');
    case 'yaml':
    case 'variable':
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

  private get _filled(): Filled {
    const fields = this._fields.map(({ about }) => about);
    return filled(fields, new Map(this._fields.map(({ about, written }) => [about.name, written])));
  }

  private async _ask(given: Filled): Promise<Form | null> {
    this._problems.replaceChildren();
    const desk = this._desk;
    if (!desk) {
      this._complain([this._trans.__('A task runs in the kernel of a notebook: open one, and load Aura in it.')]);
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
    const said = sentences.map((sentence) =>
      el('p', 'aura-Panel-wrong', icon('failed'), el('span', '', capital(sentence))),
    );
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
