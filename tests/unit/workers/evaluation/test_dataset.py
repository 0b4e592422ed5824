"""What a dataset may look like, and what is said where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.evaluation.dataset import DatasetWrong
from workers.evaluation.reading import read_dataset

HEADER = "presentation,kind,species,clip,portrait,subject,actions,cues_at_s,clip_started_at_s,portrait_source,mated,group_age"
PAIR_LINES = "a,b,mated,lookalike\nx.jpg,y.jpg,yes,\nx.jpg,z.jpg,no,yes\n"


def manifest(folder: Path, *lines: str, header: str = HEADER, name: str = "presentations.csv") -> Path:
    file = folder / name
    file.write_text("\n".join([header, *lines]) + "\n", "utf-8-sig")
    return file


def touched(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def test_a_manifest_says_the_truth_of_each_presentation(tmp_path: Path) -> None:
    file = manifest(
        tmp_path,
        "g1,bona_fide,,c/1.mp4,1.jpg,s1,blink turn_left,2 4.5,0.5,scan,,60+",
        "",
        'a1,attack,print_bent,2.mp4,1.jpg,,"turn_right, blink",,,,no,',
    )
    genuine, attack = read_dataset(file).presentations
    assert (genuine.kind, genuine.mated, genuine.groups) == ("bona_fide", True, {"age": "60+"})
    assert (genuine.actions, genuine.cues_at_s, genuine.clip_started_at_s) == (("blink", "turn_left"), (2.0, 4.5), 0.5)
    assert (genuine.clip, genuine.portrait_source) == (tmp_path / "c/1.mp4", "scan")
    assert (attack.species, attack.mated, attack.actions) == ("print_bent", False, ("turn_right", "blink"))
    assert attack.groups == {}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("g1,genuine,,c,p,,,,,,,", r"line 2: kind says 'genuine': write bona_fide or attack"),
        ("g1,attack,,c,p,,,,,,,", r"line 2: an attack needs its species"),
        ("g1,bona_fide,mask,c,p,,,,,,,", r"line 2: a bona fide presentation has no species"),
        ("g1,bona_fide,,,p,,,,,,,", r"line 2: column clip is empty"),
        ("g1,bona_fide,,c,p,,jump,,,,,", r"line 2: actions: 'jump' is none: there are turn_left"),
        ("g1,bona_fide,,c,p,,blink,1 2,0,,,", r"line 2: 2 cues_at_s for 1 actions"),
        ("g1,bona_fide,,c,p,,blink,1,,,,", r"line 2: cues_at_s need clip_started_at_s"),
        ("g1,bona_fide,,c,p,,blink,nan,0,,,", r"line 2: cues_at_s says 'nan': write seconds"),
        ("g1,bona_fide,,c,p,,,,,passport,,", r"line 2: portrait_source says 'passport'"),
        ("g1,bona_fide,,c,p,,,,,,maybe,", r"line 2: column mated says 'maybe': write yes or no"),
        ("g1,bona_fide,,c,p,,blink,turn_left,,,,,,", r"line 2: 14 cells for 12 columns"),
        ("g1,bona_fide,,c,p,,,,,,,\ng1,bona_fide,,c,p,,,,,,,", r"line 3: presentation g1 stands in line 2, too"),
        ("", r"has no presentation"),
    ],
)
def test_a_wrong_line_is_named_with_what_to_do(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(DatasetWrong, match=words):
        read_dataset(manifest(tmp_path, line))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("presentation,kind,clip", r"line 1: column portrait is missing"),
        ("presentation,kind,clip,portrait,specis", r"line 1: column 'specis' is not known"),
        ("presentation,kind,clip,portrait,kind", r"line 1: column kind stands twice"),
        ("id,file", r"line 1: not a manifest"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, header: str, words: str) -> None:
    with pytest.raises(DatasetWrong, match=words):
        read_dataset(manifest(tmp_path, "a,b,c,d", header=header))


def test_pairs_say_which_impostors_were_chosen_to_look_alike(tmp_path: Path) -> None:
    manifest(tmp_path, name="pairs.csv", header=PAIR_LINES)
    mated, alike = read_dataset(tmp_path).pairs
    assert (mated.mated, mated.lookalike, alike.mated, alike.lookalike) == (True, False, False, True)
    manifest(tmp_path, "x,y,yes,yes", name="pairs.csv", header="a,b,mated,lookalike")
    with pytest.raises(DatasetWrong, match="line 2: a mated pair is no look-alike"):
        read_dataset(tmp_path)


def test_folders_are_presentations_by_where_they_lie(tmp_path: Path) -> None:
    one, other = tmp_path / "bona_fide/s1/first", tmp_path / "bona_fide/s1/second"
    touched(one / "clip.webm", other / "clip.mp4", other / "portrait.png", tmp_path / "bona_fide/s1/portrait.jpg")
    touched(tmp_path / "attack/print/p1/clip.mp4")
    (one / "actions.txt").write_text("blink turn_left\n")
    found = {each.id: each for each in read_dataset(tmp_path).presentations}
    assert set(found) == {"bona_fide/s1/first", "bona_fide/s1/second", "attack/print/p1"}
    assert found["bona_fide/s1/first"].portrait == tmp_path / "bona_fide/s1/portrait.jpg"
    assert found["bona_fide/s1/second"].portrait == other / "portrait.png"
    assert found["bona_fide/s1/first"].actions == ("blink", "turn_left")
    assert found["attack/print/p1"].species == "print"
    assert read_dataset(tmp_path).remarks == ("ids are the folders' paths, and stand in the report: do not let them name anyone",)
    assert found["attack/print/p1"].portrait == tmp_path / "attack/print/p1/portrait.jpg", "where it should be"


def test_an_attack_without_its_own_folder_is_an_error(tmp_path: Path) -> None:
    touched(tmp_path / "attack/print/clip.mp4")
    with pytest.raises(DatasetWrong, match="an attack lies at attack/SPECIES/NAME/"):
        read_dataset(tmp_path)


def test_a_folder_with_nothing_in_it_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DatasetWrong, match="needed is a CSV with the columns presentation"):
        read_dataset(tmp_path)
    with pytest.raises(DatasetWrong, match="is not there"):
        read_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x.jpg,x.jpg,yes,", "line 3: a and b are one image"),
        ("p.jpg,q.jpg,no,", "line 3: these two images are a pair in line 2 already"),
        ("q.jpg,./p.jpg,yes,", "line 3: these two images are a pair in line 2 already"),
    ],
)
def test_each_pair_of_images_counts_once(tmp_path: Path, line: str, words: str) -> None:
    manifest(tmp_path, "p.jpg,q.jpg,yes,", line, name="pairs.csv", header="a,b,mated,lookalike")
    with pytest.raises(DatasetWrong, match=words):
        read_dataset(tmp_path)
