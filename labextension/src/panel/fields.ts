import type { JSONObject, JSONValue } from '@lumino/coreutils';

import type { ProblemInfo } from '../kernel/protocol';

/** A variable of the notebook that an input may be. */
export interface Offer {
  readonly name: string;
  readonly preview: string;
}

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
  readonly offers: readonly Offer[];
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
export type Kind = 'secret' | 'choice' | 'check' | 'number' | 'text' | 'yaml' | 'variable';

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
  if (field.type === 'string') {
    return 'text';
  }
  return field.offers.length ? 'variable' : 'yaml';
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
export function limitsOf(field: InputField, words: { default: string; optional: string; to: string }): string {
  const parts = [field.type];
  if (field.min !== null && field.max !== null) {
    parts.push(`${field.min} ${words.to} ${field.max}`);
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

/** What one field is filled in with: a text (of a choice its JSON, of a box `true` or `false`), or a variable. */
export type Written = { readonly text: string } | { readonly variable: string };

/**
 * What was filled in: as values, as texts that the kernel reads as YAML, and as names of variables. What is left empty
 * is not given.
 */
export interface Filled {
  readonly inputs: JSONObject;
  readonly texts: Record<string, string>;
  readonly variables: Record<string, string>;
}

/** What was filled in. */
export function filled(fields: readonly InputField[], written: ReadonlyMap<string, Written>): Filled {
  // an input may be called `__proto__`
  const inputs = Object.create(null) as JSONObject;
  const texts = Object.create(null) as Record<string, string>;
  const variables = Object.create(null) as Record<string, string>;
  for (const field of fields) {
    const given = written.get(field.name) ?? { text: '' };
    if ('variable' in given) {
      variables[field.name] = given.variable;
      continue;
    }
    const { text } = given;
    const kind = kindOf(field);
    if (kind === 'text' || kind === 'secret') {
      if (text !== '') {
        inputs[field.name] = text;
      }
    } else if (text.trim() !== '') {
      texts[field.name] = text;
    }
  }
  return { inputs, texts, variables };
}
