"""Copies of LFW as people have them: where pairs.txt lies, what lies beside it, and how images are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.evaluation.calibrate import read_images
from workers.evaluation.dataset import DatasetWrong
from workers.evaluation.reading import read_dataset

LINES = "Ann_Bee\t1\t2\nAnn_Bee\t1\tCem_Dag\t2\nCem_Dag\t1\t2\nCem_Dag\t1\tAnn_Bee\t1\n"
LFW_PAIRS = "2\t1\n" + LINES
TRUTH = [(True, 0), (False, 0), (True, 1), (False, 1)]


def touched(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def lfw(folder: Path, pairs: str, images: Path, ending: str = ".jpg") -> Path:
    touched(*(images / name / f"{name}_{number:04d}{ending}" for name in ("Ann_Bee", "Cem_Dag") for number in (1, 2)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pairs.txt").write_text(pairs, "utf-8")
    return folder


@pytest.mark.parametrize("inner", ["", "lfw_funneled", "lfw-deepfunneled/lfw-deepfunneled"])
@pytest.mark.parametrize("listed", ["", "lfw", "archive/annotations"])
def test_lfw_is_read_in_its_usual_layouts(tmp_path: Path, inner: str, listed: str) -> None:
    lfw(tmp_path / listed, LFW_PAIRS, tmp_path / inner)
    found = read_dataset(tmp_path)
    assert [(pair.mated, pair.fold) for pair in found.pairs] == TRUTH
    assert found.pairs[1].b == tmp_path / inner / "Cem_Dag/Cem_Dag_0002.jpg"
    assert sorted({each.person for each in found.portrayed}) == ["Ann_Bee", "Cem_Dag"]
    assert len(found.portrayed) == 4
    assert found.remarks == ()
    assert read_images(tmp_path).portrayed


def test_the_list_itself_may_be_named(tmp_path: Path) -> None:
    found = read_dataset(lfw(tmp_path, LFW_PAIRS, tmp_path / "lfw"))
    (tmp_path / "pairs.txt").rename(tmp_path / "view2.txt")
    assert read_dataset(tmp_path / "view2.txt").pairs == found.pairs


@pytest.mark.parametrize("pairs", ["\ufeff" + LFW_PAIRS, LFW_PAIRS.replace("\n", "\r\n"), "\n" + LFW_PAIRS + "\n\n", LINES])
def test_a_list_may_have_a_byte_order_mark_other_line_ends_blank_lines_or_no_header(tmp_path: Path, pairs: str) -> None:
    found = read_dataset(lfw(tmp_path, pairs, tmp_path))
    assert [(pair.mated, pair.fold) for pair in found.pairs] == TRUTH


def test_a_list_whose_kinds_do_not_take_turns_has_no_folds_and_says_so(tmp_path: Path) -> None:
    found = read_dataset(lfw(tmp_path, "".join(sorted(LINES.splitlines(keepends=True), key=len, reverse=True)), tmp_path))
    assert [pair.fold for pair in found.pairs] == [None] * 4
    assert [pair.mated for pair in found.pairs] == [False, False, True, True]
    assert found.remarks == ("pairs.txt has no folds: the protocol's accuracy is not measured, its pairs are",)


def test_a_copy_with_its_lists_as_csv_reads_and_says_what_it_skips(tmp_path: Path) -> None:
    """As in the copy that is most often downloaded: five more CSV files, pictures two folders deep, no pairs.txt."""
    copy = tmp_path / "archive"
    lfw(copy, LFW_PAIRS, copy / "lfw-deepfunneled/lfw-deepfunneled")
    of_text = read_dataset(copy).pairs
    (copy / "pairs.txt").unlink()
    cells = [line.split("\t") for line in LINES.splitlines()]
    lines = [",".join(row) + ("," if len(row) == 3 else "") for row in cells]
    (copy / "pairs.csv").write_text("\n".join(["name,imagenum1,imagenum2,", *lines]) + "\n")
    (copy / "people.csv").write_text("name,images\nAnn_Bee,2\n")
    (copy / "matchpairsDevTest.csv").write_text("name,imagenum1,imagenum2\nAnn_Bee,1,2\n")
    (copy / "._pairs.csv").write_bytes(b"\x00\x05\x16\x07")
    found = read_dataset(copy)
    assert found.pairs == of_text
    assert found.remarks == (
        "matchpairsDevTest.csv is skipped: its header is not that of a manifest",
        "people.csv is skipped: its header is not that of a manifest",
    )
    assert read_dataset(tmp_path).pairs == of_text, "one folder deeper, too"


def test_a_report_that_was_written_into_the_dataset_does_not_stop_the_next_run(tmp_path: Path) -> None:
    lfw(tmp_path, LFW_PAIRS, tmp_path / "lfw")
    before = read_dataset(tmp_path).pairs
    (tmp_path / "rates.csv").write_text("section,of,rate,errors,n,value,low,high,upper_one_sided\n")
    assert read_dataset(tmp_path).pairs == before


def test_a_manifest_with_a_misspelt_header_is_never_skipped(tmp_path: Path) -> None:
    lfw(tmp_path, LFW_PAIRS, tmp_path / "lfw")
    (tmp_path / "attacks.csv").write_text("presntation,kind,clip,portrait\nx,attack,a,b\n")
    with pytest.raises(DatasetWrong, match=r"attacks\.csv, line 1: not a manifest"):
        read_dataset(tmp_path)


def test_lfw_below_a_dataset_of_ones_own_is_not_read_with_it(tmp_path: Path) -> None:
    lfw(tmp_path / "photos/lfw", LFW_PAIRS, tmp_path / "photos/lfw")
    (tmp_path / "own.csv").write_text("a,b,mated\nx.jpg,y.jpg,yes\n")
    assert len(read_dataset(tmp_path).pairs) == 1


@pytest.mark.parametrize("ending", [".JPG", ".jpeg", ".Png"])
def test_endings_of_images_are_taken_in_any_case(tmp_path: Path, ending: str) -> None:
    found = read_dataset(lfw(tmp_path, LFW_PAIRS, tmp_path, ending))
    assert all(image.is_file() for pair in found.pairs for image in (pair.a, pair.b))
    assert found.pairs[0].b == tmp_path / f"Ann_Bee/Ann_Bee_0002{ending}"
    assert found.remarks == ()


def test_an_image_that_is_not_there_is_told_of_and_named_as_it_should_be(tmp_path: Path) -> None:
    lfw(tmp_path, LFW_PAIRS, tmp_path)
    (tmp_path / "Cem_Dag/Cem_Dag_0002.jpg").rename(tmp_path / "Cem_Dag/._Cem_Dag_0002.jpg")
    found = read_dataset(tmp_path)
    assert found.pairs[1].b == tmp_path / "Cem_Dag/Cem_Dag_0002.jpg"
    assert found.remarks == ("1 of 4 images of pairs.txt are not there",)


def test_of_two_sets_of_images_the_fuller_is_read_and_the_other_named(tmp_path: Path) -> None:
    lfw(tmp_path, LFW_PAIRS, tmp_path / "lfw_funneled")
    touched(tmp_path / "lfw/Ann_Bee/Ann_Bee_0001.jpg", tmp_path / "__MACOSX/lfw_funneled/Ann_Bee/._Ann_Bee_0001.jpg")
    found = read_dataset(tmp_path)
    assert found.pairs[0].a == tmp_path / "lfw_funneled/Ann_Bee/Ann_Bee_0001.jpg"
    assert found.remarks == ("images are read from lfw_funneled, and not from lfw",)


def test_of_two_lists_on_one_level_the_first_is_read_and_the_other_named(tmp_path: Path) -> None:
    lfw(tmp_path / "a", LFW_PAIRS, tmp_path / "a/lfw")
    lfw(tmp_path / "b", LFW_PAIRS, tmp_path / "b/lfw")
    found = read_dataset(tmp_path)
    assert found.pairs[0].a == tmp_path / "a/lfw/Ann_Bee/Ann_Bee_0001.jpg"
    assert found.remarks == ("a/pairs.txt is read, and not b/pairs.txt",)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ("ten\t300\n", r"line 1: must be `10<tab>300`"),
        ("\u00b2\t1\n", r"line 1: must be `10<tab>300`"),
        ("1" * 5000 + "\n", r"line 1: must be `10<tab>300`"),
        ("2\t2\nAnn_Bee\t1\t2\n", r"has 1 pairs, its header says 2 x 2 x 2"),
        ("1\nAnn_Bee\t1\t2\nAnn_Bee\t1\n", r"line 3: must be `name i j`"),
        ("1\nAnn_Bee\t1\tx\nAnn_Bee\t1\tCem_Dag\t1\n", r"line 2: image numbers"),
        ("1\nAnn_Bee\t1\t\u00b2\nAnn_Bee\t1\tCem_Dag\t1\n", r"line 2: image numbers"),
        ("1\nAnn_Bee\t1\t2\nAnn_Bee\t1\t../x\t1\n", r"line 3: '\.\./x' is no name of a folder"),
        ("1\nNo_One\t1\t2\nNo_One\t1\tNo_Two\t1\n", r"line 2: there is no folder No_One"),
    ],
)
def test_a_wrong_pairs_file_is_named(tmp_path: Path, pairs: str, words: str) -> None:
    with pytest.raises(DatasetWrong, match=words):
        read_dataset(lfw(tmp_path, pairs, tmp_path))
