"""The scripts that make a shell complete command lines, and how it asks for words."""

from __future__ import annotations

import os
from typing import ClassVar, Final

from click.shell_completion import (
    BashComplete,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

VARIABLE: Final = "_RECONCILER_COMPLETE"
"""Set by the shell while it asks. The name is click's, which looks at it."""

_BASH: Final = r"""
%(complete_func)s() {
    # Bash breaks words at : and = too, and replaces only what is behind the last of them.
    local line="${COMP_LINE:0:COMP_POINT}" current="${COMP_WORDS[COMP_CWORD]}" type value word prefix
    word="${line##*[[:space:]]}"
    [[ $current == [:=] ]] && current=""
    prefix="${word%%"$current"}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                [[ $value == *[:=] ]] && compopt -o nospace
                # A name from a file is a word of the command line, and never a command.
                printf -v value '%%q' "${value#"$prefix"}"
                COMPREPLY+=("$value")
                ;;
        esac
    done < <(env COMP_LINE="$line" %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    """Completion that gets through words with ``:`` and ``=``, and through names that mean something to a shell."""

    source_template: ClassVar[str] = _BASH

    def source(self) -> str:
        """Return the script. Which Bash will run it, only that Bash knows."""
        return ShellComplete.source(self).lstrip()

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is completed, and that one."""
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)[1:]
        return (words[:-1], words[-1]) if words and not line[-1:].isspace() else (words, "")


SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}
"""By the names of shells."""


def register() -> None:
    """Let click answer a shell by these classes."""
    for name, shell in SHELLS.items():
        add_completion_class(shell, name)
