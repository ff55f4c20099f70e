import type { TranslationBundle } from '@jupyterlab/translation';

import { icon } from '../../../aura_jupyter/notebook/card/card.js';
import type { ProblemInfo } from '../kernel/protocol';
import { el, setHidden, setText } from './dom';
import { choicesOf, kindOf, limitsOf, plain } from './fields';
import type { InputField, Written } from './fields';

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** The choice to write a value where variables are offered. No variable has such a name. */
const WRITE = ' ';

/** One input: its label, what it is filled in with, and what is wrong with that. */
export class Field {
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
export function sentence({ message, hint }: ProblemInfo): string {
  return hint ? `${message}. ${hint}` : `${message}.`;
}

/** The text with a capital first. */
export function capital(text: string): string {
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
