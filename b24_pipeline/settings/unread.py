"""Settings that nothing would read: a mistyped name, a line of `.env` that is not a setting."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from b24_pipeline.settings.base import PREFIX, SettingsError
from b24_pipeline.settings.connections import FOLDER, FOLDER_VARIABLE, misplaced, of_one_pair
from b24_pipeline.settings.dagster import AUTOMATION, ENV_FILE, GIVEN
from b24_pipeline.text import printable

INTERNAL = frozenset({GIVEN, AUTOMATION, FOLDER_VARIABLE, f"{PREFIX}WHOLE_MATRIX"})
"""Variables that are no settings of a pair, most of them passed on by this project's own programs and tests."""
SHARED_PREFIXES = ("BITRIX24_", "CALLGEAR_", "B24")
"""Other software may have such variables: only a name close to one of ours is refused."""
ANY_PREFIX = ("",)
"""In a file of ours every name that is close to one of ours was meant for us."""
NOT_IN_A_NAME = re.compile(r"\W+", re.ASCII)
OF_A_FILE = "_FILE"
OF_A_SHELL = re.compile("^(ENV|SET)_")
NEARLY = 2
"""How many letters a name may differ from the one that was meant."""
IN_KUBERNETES = "KUBERNETES_SERVICE_HOST"
OF_KUBERNETES = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$")
"""What Kubernetes sets for a service that is named like this project."""


def problems(known: Collection[str], files: Sequence[Path]) -> list[str]:
    """Return one line for each name and each line of a file that would not be read; never a value.

    The files are those of a connection, if one is meant; `.env` is always looked at.

    Raises:
        SettingsError: a file is there and cannot be read.
    """
    found = {file: bindings(file) for file in (Path(ENV_FILE), *files)}
    lines = [text for file in found for binding in found[file] if (text := line_problem(binding, known, file=file))]
    of_process = found.pop(Path(ENV_FILE))
    near = {
        **dict.fromkeys(names_of(of_process), ANY_PREFIX),
        **dict.fromkeys(map(str.upper, os.environ), SHARED_PREFIXES),
    }
    lines += (text for name in sorted(near) if (text := name_problem(name, known, prefixes=near[name])))
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder and not Path(folder).is_dir():  # the import of another pair would begin instead
        lines.append(f"{FOLDER_VARIABLE}: {printable(folder)} is not a folder. Example: {FOLDER_VARIABLE}={FOLDER}")
    if files:
        filled = {str(binding.key).upper() for binding in of_process if binding.value}
        filled |= {name.upper() for name, value in os.environ.items() if value}
        lines += of_one_pair(filled & set(known), folder=files[0].parent)
    for file, given in found.items():
        names = sorted(names_of(given))
        lines += (f"{file}: {text}" for name in names if (text := name_problem(name, known, prefixes=ANY_PREFIX)))
        lines += misplaced(names, file=file)
    return lines


def names_of(given: Iterable[Binding]) -> frozenset[str]:
    return frozenset(binding.key.upper() for binding in given if binding.key)


def bindings(file: Path) -> list[Binding]:
    """Parse the lines of a file, if there is one.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        with file.open(encoding="utf-8") as text:
            return list(parse_stream(text))
    except FileNotFoundError:
        if file.is_symlink():
            raise SettingsError(f"{file}: is a link that leads nowhere. Put the file where it leads.") from None
        return []
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: is not text in UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(
            f"{file}: cannot be read ({error.strerror}). Give this user the right to read it."
        ) from None


def line_problem(binding: Binding, known: Collection[str], *, file: Path) -> str | None:
    text = binding.original.string
    written = text.strip()
    line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
    if binding.error and re.match(r"[^=]*=\s*['\"]", written):
        return f"{file}: line {line} cannot be read: a quote is not closed, or something follows it."
    if binding.error or (binding.key is not None and binding.value is None):
        return f"{file}: line {line} cannot be read: it is not of the form NAME=value."
    if binding.key is not None and binding.key.upper() in known and "\n" in written:
        return f"{file}: line {line} cannot be read: its quote is closed on a later line."
    return None


def name_problem(name: str, known: Collection[str], *, prefixes: tuple[str, ...]) -> str | None:
    """Return the problem of a variable's name; nothing for a setting of ours or of other software.

    One that begins with a prefix is refused if it is close to one of ours. All names are in upper case.
    """
    if name in known or name in INTERNAL or (IN_KUBERNETES in os.environ and OF_KUBERNETES.search(name)):
        return None
    if not name.startswith((PREFIX, *prefixes)):
        return None
    if name.removesuffix(OF_A_FILE) in known:
        return f"{name}: is not a setting; a file may only hold a secret. Set {name.removesuffix(OF_A_FILE)} itself."
    plain = OF_A_SHELL.sub("", NOT_IN_A_NAME.sub("_", name).strip("_"))
    meant = nearest(plain, tuple(sorted(known)))
    if plain == meant:
        return f"{meant}: the name has something around it. Write only {meant}=value."
    if name.startswith(PREFIX) or distance(plain, meant) <= NEARLY:
        return f"{printable(name)}: is not a setting. Did you mean {meant}?"
    return None


@cache
def nearest(name: str, known: tuple[str, ...]) -> str:
    return min(known, key=lambda other: distance(name, other))


def distance(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance of two names."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, wanted in enumerate(other, start=1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != wanted))
            if min(row, column) > 1 and letter == other[column - 2] and wanted == one[row - 2]:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, last = last, current
    return last[-1]
