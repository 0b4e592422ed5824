"""Fetches the broker's jars once, by Maven, and checks them against the committed list of digests."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local.errors import StackError, ToolMissing
from deploy.local.java import find_java, home_of

KAFKA_VERSION = "4.4.0"
HERE = Path(__file__).parent
JARS_LIST = HERE / "jars.sha256"
CACHE = HERE.parents[1] / ".cache" / f"kafka-{KAFKA_VERSION}" / "libs"
FETCH_S_MAX = 600.0  # 43 MB; 9-20 s from an empty Maven cache on a good line
_CHECKED = ".checked"  # holds the digest of the list that the folder was last checked against


def fetch_jars(say: Callable[[str], None], *, libs: Path = CACHE) -> Path:
    """The folder with exactly the jars of jars.sha256, fetched if need be.

    say: takes a line of progress.
    Raises ToolMissing without Maven or Java, StackError where a jar is not the one that was recorded.
    """
    if is_checked(libs):
        return libs
    wanted = read_list(JARS_LIST.read_text())
    if wrong_jars(libs, wanted):
        say(f"fetching Apache Kafka {KAFKA_VERSION} ({len(wanted)} jars, 43 MB) by Maven, once")
        _copy_dependencies(libs)
    if wrong := wrong_jars(libs, wanted):
        named = ", ".join(sorted(wrong)[:5])
        said = f"these jars are not the recorded ones: {named}. Delete {libs} and try again; if it stays, do not run them"
        raise StackError(said)
    (libs / _CHECKED).write_text(_list_digest())
    say(f"Apache Kafka {KAFKA_VERSION}: {len(wanted)} jars, each with its recorded sha256")
    return libs


def is_checked(libs: Path) -> bool:
    """Whether this folder was already found right for the list as it is now (so that a start need not hash 43 MB)."""
    mark = libs / _CHECKED
    return mark.is_file() and mark.read_text() == _list_digest()


def read_list(text: str) -> dict[str, str]:
    """Lines as sha256sum writes them -> digest by file name."""
    pairs = (line.split() for line in text.splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def wrong_jars(libs: Path, wanted: dict[str, str]) -> set[str]:
    """Names that are missing, differ, or should not be there (a stray jar is on the class path too)."""
    present = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in libs.glob("*.jar")}
    return {name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name)}


def _list_digest() -> str:
    return hashlib.sha256(JARS_LIST.read_bytes()).hexdigest()


def _copy_dependencies(libs: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        said = "Maven is missing: install it (`apt-get install maven`). It fetches Kafka's jars, once"
        raise ToolMissing(said)
    libs.mkdir(parents=True, exist_ok=True)
    for stray in libs.glob("*.jar"):
        stray.unlink()
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={libs.resolve()}", "-DincludeScope=runtime"]
    command = [maven, "-B", "-q", "-f", str(HERE / "pom.xml"), *goal]
    # the Java that the broker runs on: the machine's, or the one that came as a wheel, of which Maven knows nothing
    environment = {**os.environ, "JAVA_HOME": str(home_of(find_java()))}
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_S_MAX, check=False, env=environment)
    except subprocess.TimeoutExpired as late:
        said = f"Maven did not fetch Kafka's jars within {FETCH_S_MAX:.0f} s: try again, what was fetched is kept"
        raise StackError(said) from late
    if ran.returncode != 0:
        said = f"Maven could not fetch Kafka's jars: {(ran.stdout + ran.stderr).strip()[-800:]}"
        raise StackError(said)


if __name__ == "__main__":
    fetch_jars(lambda line: print(line, flush=True))  # noqa: T201  the command line of `make jars`
