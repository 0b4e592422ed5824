"""Whether this process may calculate in another precision than FP32: only as measured, for these models, within its policy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from models.drift import DriftRecord, faults_of, read_record
from models.placement import Precision, is_exact
from models.registry import Models
from realname.drift import DriftRules
from realname.errors import SettingsWrong
from realname.settings import Worker


def insist_measured(settings: Worker, loaded: Iterable[Models], rules: DriftRules) -> None:
    """Raises SettingsWrong where a set of models on a GPU has no record in settings.device_drift that the rules let through."""
    precision = Precision(settings.device_precision)
    records = [_read(path.strip()) for path in settings.device_drift.split(",") if path.strip()]
    for models in loaded:
        if is_exact(models.device, precision):
            continue
        found = [
            list(faults_of(each, rules, device=models.device, precision=precision, digests=models.digests)) for each in records
        ]
        if not any(not faults for faults in found):
            why = "; ".join(found[0]) if found else "REALNAME_DEVICE_DRIFT names no measurement"
            raise SettingsWrong(f"REALNAME_DEVICE_PRECISION={precision} on {models.device}: {why} (docs/device.md)")


def _read(path: str) -> DriftRecord:
    try:
        return read_record(Path(path).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsWrong(f"REALNAME_DEVICE_DRIFT: {path}: {error}") from error
