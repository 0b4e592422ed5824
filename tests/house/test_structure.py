"""The house stays liveable: floors, doors, file and function lengths, no addresses."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("realname", "models", "workers", "services", "deploy", "demo", "bench")
FILE_LINES_MAX = 300
BODY_LINES_MAX = 40

# Each library and the modules that may import it. A new door is a decision: say why in CONTRIBUTING.md.
DOORS = {
    "kafka": (
        "services.intake.status_log",
        "services.cli",
        "deploy.local",
        "bench.load",
    ),
    "confluent_kafka": (
        "services.dispatcher",
        "services.intake.publisher",
        "services.janitor",
        "services.projector",
        "bench.intake_floor",
    ),
    "celery": ("workers.app", "workers.transport"),
    "onnxruntime": ("models.bound", "models.session", "models.dynamic_batch", "bench.peers.scrfd_arcface"),
    "onnx": ("bench.rounded", "models.channel_blocks", "models.dynamic_batch", "models.face_api", "models.half", "models.prelu"),
    "av": ("workers.decoder", "bench"),
    "obstore": ("realname.vault",),
    "cryptography": (
        "realname.jwk",
        "realname.keys",
        "realname.sealing",
        "services.intake.auth",
        "services.intake.cues",
        "bench.intake_floor",
    ),
    "matplotlib": ("workers.check_plot", "workers.evaluation.plots", "services.cli", "bench"),
    "redis": ("realname.redis_lines", "workers", "services", "deploy.local", "bench"),
    "simpy": ("services.planning.national", "services.planning.one_run"),
}


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_its_one_reason_to_change(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_body_is_longer_than_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [statement for statement in node.body if not _is_docstring(statement)]
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= BODY_LINES_MAX, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert not tree.body or ast.get_docstring(tree)


@pytest.mark.parametrize("library", DOORS)
def test_a_library_is_imported_only_at_its_doors(library: str) -> None:
    doors = DOORS[library]
    strays = {
        module
        for path in sources()
        if library in imported_by(path)
        for module in [module_of(path)]
        if not any(module == door or module.startswith(door + ".") for door in doors)
    }
    assert not strays, f"{library} comes in by {sorted(strays)}; its doors are {doors}"


def test_nothing_reads_the_environment_but_settings() -> None:
    allowed = {"realname/settings.py"}
    reading = re.compile(r"os\.(environ|getenv)")
    readers = {str(path.relative_to(ROOT)) for path in sources() if reading.search(path.read_text("utf-8"))}
    # The command line and the local stack hand an environment to their children; they read no setting of ours from it.
    strays = {
        path
        for path in readers - allowed
        if not path.startswith(("deploy/local/", "services/cli/", "models/fetch", "demo/", "bench/"))
    }
    assert not strays


def test_no_committed_file_names_a_host_or_a_machine_path() -> None:
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True, timeout=30).stdout
    hosts = re.compile(rb"https?://(?!127\.0\.0\.1|www\.apache\.org|maven\.apache\.org|www\.w3\.org)[a-z0-9-]+\.[a-z]")
    machine = re.compile(rb"/work/|/root/|/tmp/[a-z]|/home/[a-z]")
    strays: list[str] = []
    for name in filter(None, listed.split(b"\0")):
        path = ROOT / name.decode()
        if path.suffix in {".png", ".jpg", ".mp4", ".webm"} or name == b"LICENSE" or not path.is_file():
            continue
        content = path.read_bytes()
        if path != Path(__file__) and (hosts.search(content) or machine.search(content)):
            strays.append(name.decode())
    assert not strays


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )


def test_the_readme_has_its_figures() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "\nFIGURES\n" not in readme
    assert readme.index("make demo") < readme.index("make test") < readme.index("## ")
