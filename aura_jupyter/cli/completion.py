"""`jupyter aura completion`: scripts by which a shell asks this program what fits."""

from __future__ import annotations

import argparse

from .endings import OK

# Each hands over the words up to the cursor. The answer has a candidate a line, with a description behind a tab; the
# line `:files` asks for the shell's own file names, too.
_BASH = r"""
_jupyter_aura() {
    local candidate line="${COMP_LINE:0:COMP_POINT}" current="${COMP_WORDS[COMP_CWORD]}"
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local whole="${words[${#words[@]}-1]}"
    local before="${whole%"$current"}"
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == :files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$current")
        else
            [[ $candidate == *= ]] && compopt -o nospace 2>/dev/null
            COMPREPLY+=("${candidate#"$before"}")
        fi
    done < <(jupyter-aura __complete "${words[@]:1}" 2>/dev/null)
}
complete -F _jupyter_aura jupyter-aura
"""

_ZSH = r"""
#compdef jupyter-aura
_jupyter_aura() {
    local line candidate about
    local -a plain open
    for line in "${(@f)$(jupyter-aura __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        candidate="${line%%$'\t'*}"
        if [[ $candidate == :files ]]; then
            _files
        elif [[ $candidate == *= ]]; then
            open+=("$candidate")
        elif [[ -n $candidate ]]; then
            about="${line#"$candidate"}"  # nothing, or a tab and what it is
            plain+=("${candidate//:/\\:}${about/$'\t'/:}")
        fi
    done
    (( $#open )) && compadd -S '' -- "${open[@]}"
    (( $#plain )) && _describe 'jupyter-aura' plain
}
compdef _jupyter_aura jupyter-aura
"""

_FISH = r"""
function __jupyter_aura
    set -l words (commandline -opc) (commandline -ct)
    for line in (jupyter-aura __complete $words[2..-1] 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c jupyter-aura -f -a '(__jupyter_aura)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def main(options: argparse.Namespace) -> int:
    """Write the script of a shell.

    Args:
        options: of the command line.

    Returns:
        The exit status.
    """
    print(SCRIPTS[options.shell].strip())
    return OK
