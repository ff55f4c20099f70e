import type { JSONObject, JSONValue } from '@lumino/coreutils';

import type { ProblemInfo } from '../kernel/protocol';

/** An input that a spec takes, see `InputField` in aura_jupyter/messages.py. Values of any type are JSON, as text. */
export interface InputField {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
  readonly has_default: boolean;
  readonly default: string | null;
  readonly choices: readonly string[];
  readonly min: number | null;
  readonly max: number | null;
  readonly variable: string | null;
}

/** What a spec takes, and the problems of what was filled in; their path is the name of the input. */
export interface Form {
  readonly title: string | null;
  readonly steps: number;
  readonly fields: readonly InputField[];
  readonly values: JSONObject;
  readonly problems: readonly ProblemInfo[];
}

/** What an input is filled in with. */
export type Kind = 'secret' | 'choice' | 'check' | 'number' | 'text' | 'yaml';

export function kindOf(field: InputField): Kind {
  if (field.type === 'secret') {
    return 'secret';
  }
  if (field.choices.length) {
    return 'choice';
  }
  if (field.type === 'boolean') {
    return field.default === 'true' || field.default === 'false' ? 'check' : 'choice';
  }
  if (field.type === 'integer' || field.type === 'number') {
    return 'number';
  }
  return field.type === 'string' ? 'text' : 'yaml';
}

/** The values that a choice offers, as JSON. */
export function choicesOf(field: InputField): readonly string[] {
  return field.choices.length ? field.choices : ['true', 'false'];
}

/** A value as a person reads it: text without its quotation marks. */
export function plain(json: string): string {
  const value = JSON.parse(json) as JSONValue;
  return typeof value === 'string' ? value : json;
}

/** What stands beside a field's name: its type, its default, its bounds. */
export function limitsOf(field: InputField, words: { default: string; optional: string }): string {
  const parts = [field.type];
  if (field.min !== null && field.max !== null) {
    parts.push(`${field.min} – ${field.max}`);
  } else if (field.min !== null || field.max !== null) {
    parts.push(field.min === null ? `≤ ${field.max ?? ''}` : `≥ ${field.min}`);
  }
  if (field.default !== null) {
    parts.push(...(kindOf(field) === 'check' ? [] : [`${words.default} ${plain(field.default)}`]));
  } else if (!field.required) {
    parts.push(words.optional);
  }
  return parts.join(', ');
}

/** What was filled in: as values, and as texts that the kernel reads as YAML. What is left empty is not given. */
export interface Filled {
  readonly inputs: JSONObject;
  readonly texts: Record<string, string>;
}

/**
 * What was filled in.
 *
 * @param written - the text of each field; of a choice its JSON, of a box `true` or `false`.
 */
export function filled(fields: readonly InputField[], written: ReadonlyMap<string, string>): Filled {
  const inputs: JSONObject = {};
  const texts: Record<string, string> = {};
  for (const field of fields) {
    const text = written.get(field.name) ?? '';
    const kind = kindOf(field);
    if (kind === 'text' || kind === 'secret') {
      if (text !== '') {
        inputs[field.name] = text;
      }
    } else if (text.trim() !== '') {
      texts[field.name] = text;
    }
  }
  return { inputs, texts };
}
