"""Thresholds and rules, versioned. Read from a TOML file; everything that judges takes it as a value."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct

from realname.errors import SettingsWrong
from realname.messages import Unit


class ClipRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What a clip must be to be judged."""

    duration_s_min: float
    duration_s_max: float
    frame_rate_hz_min: float
    process_hz_min: float  # frames are thinned by pts to at least this rate
    detect_every: int  # processed frames between detections; the box is carried by the landmarks
    faces_share_min: float  # share of judged frames that show the face
    several_share_max: float  # share of detections with a second face of comparable size
    face_gap_s_max: float  # longest time without the face inside the track
    eye_distance_px_min: float  # ISO/IEC 29794-5 inter-eye distance
    luminance_mean_min: float  # 0..255, over the face
    luminance_mean_max: float
    sharpness_min: float  # variance of the Laplacian over the face chip


class BlinkRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Closedness = 1 - EAR / the clip's own median EAR."""

    closedness_min: float
    hysteresis: Unit  # a blink ends below hysteresis x closedness_min
    duration_s_max: float


class TurnRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Yaw = nose ratio x 36 degrees against the clip's own neutral; + is the nose nearer the image's right edge."""

    yaw_deg_min: float
    hysteresis: Unit
    parallax_min: float  # below it, where the yaw range suffices, the face is flat
    parallax_yaw_range_deg_min: float


class TrackRules(Struct, frozen=True, forbid_unknown_fields=True):
    """One continuous track of one face."""

    overlap_min: Unit  # IoU of a detection with the carried box
    similarity_min: float  # cosine between embeddings along the track


class PadRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Passive PAD: median live probability of near-frontal frames."""

    live_min: Unit  # at and above: live
    review_min: Unit  # below: refused; between: review
    frames_min: int
    frontal_yaw_deg_max: float


class MatchRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Cosine similarity of fr_feature embeddings."""

    accept_min: float
    accept_fmr: float
    review_min: float
    copy_correlation_max: float  # above: the portrait is the same photo as a frame
    portrait_eye_distance_px_min: float
    frames: int


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """What is allowed at all."""

    cues_required: bool  # True: a finished clip without cues is at most review
    lines_held_max: int  # lines at one document number and operator; at it, one more is refused
    portrait_sources: dict[str, str]  # source -> the best verdict it may lead to: approved | review


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of all thresholds. `version` is in every decision."""

    version: str
    clip: ClipRules
    blink: BlinkRules
    turn: TurnRules
    track: TrackRules
    pad: PadRules
    match: MatchRules
    rules: Rules


def load_policy(name_or_path: str) -> Policy:
    """A policy that ships with the code (`development`, `production`) or a TOML file.

    Raises SettingsWrong, naming the field.
    """
    shipped = files(__package__ or "realname").joinpath("policies", f"{name_or_path}.toml")
    try:
        text = shipped.read_text("utf-8") if shipped.is_file() else Path(name_or_path).read_text("utf-8")
        return msgspec.toml.decode(text, type=Policy)
    except OSError as error:
        raise SettingsWrong(f"policy {name_or_path!r}: neither shipped nor a readable file") from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise SettingsWrong(f"policy {name_or_path!r}: {error}") from error
