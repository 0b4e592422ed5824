"""What ships with a package and can be had by its name, or an operator's own file of the same kind by its path."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from realname.errors import SettingsWrong

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # a path never leads out of what ships


class Toml(NamedTuple):
    """text: of the file. beside: the folder of an operator's own; None for a shipped one."""

    text: str
    beside: Path | None


def read_toml(kind: str, package: str, folder: str, name_or_path: str, beside: Path | None = None) -> Toml:
    """package/folder/NAME.toml, else the file of that path. kind: what it is, for the error.

    beside: the folder of the file that names it, from where a relative path leads; None: the working directory, of a
            path that a person or a setting gave.
    Raises SettingsWrong where it is neither, or no UTF-8.
    """
    shipped = files(package).joinpath(folder, f"{name_or_path}.toml")
    try:
        if NAME.fullmatch(name_or_path) and shipped.is_file():
            return Toml(shipped.read_text("utf-8"), None)
        path = (beside or Path()) / name_or_path
        return Toml(path.read_text("utf-8"), path.parent)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"{kind} {name_or_path!r}: neither shipped nor a readable file") from error
