import { codeFolding, foldGutter, foldKeymap, indentUnit, LanguageSupport, StreamLanguage } from '@codemirror/language';
import { Prec } from '@codemirror/state';
import { keymap } from '@codemirror/view';

import { folding } from './folding';
import { indentationOf } from './indentation';
import { specTokens } from './tokens';

/** Of `%%aura` cells and of `*.aura.yaml` files. */
export const MIME = 'text/x-aura-yaml';

/** The language of a cell or a file with a spec: YAML with Jinja2 in its texts, below the line of the magic. */
export const auraLanguage = StreamLanguage.define({ ...specTokens, indent: indentationOf });

/** The language with its indentation and folding. */
export function auraYaml(): LanguageSupport {
  return new LanguageSupport(auraLanguage, [
    Prec.highest(indentUnit.of('  ')),
    folding,
    codeFolding(),
    foldGutter(),
    keymap.of(foldKeymap),
  ]);
}
