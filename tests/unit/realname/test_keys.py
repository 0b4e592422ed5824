import base64

import msgspec
import pytest
from msgspec.structs import replace

from realname.errors import SettingsWrong
from realname.keys import FileKeys, KeyFile, new_key_file

GOOD = new_key_file("north")
SHORT = base64.b64encode(b"s" * 31).decode()
LONG = base64.b64encode(b"s" * 33).decode()
LINES = GOOD.fingerprint_secret[:20] + "\n" + GOOD.fingerprint_secret[20:]
MALFORMED = {
    "short": SHORT,
    "long": LONG,
    "empty": "",
    "no base64": "no base64!",
    "unpadded": GOOD.fingerprint_secret.rstrip("="),
    "two lines": LINES,
    "not ASCII": "ключ",
}
# Named: a random key in a test's name would be another test in each process that collects it.
malformed = pytest.mark.parametrize("key", MALFORMED.values(), ids=MALFORMED)


def keys_of(folder, file: KeyFile | bytes) -> FileKeys:
    content = file if isinstance(file, bytes) else msgspec.json.encode(file)
    (folder / "harbor.keys.json").write_bytes(msgspec.json.encode(new_key_file("harbor")))
    (folder / "north.keys.json").write_bytes(content)
    return FileKeys(folder)


def test_a_data_key_opens_again_also_after_the_current_key_was_changed(tmp_path):
    wrapped = keys_of(tmp_path, GOOD).wrap("north", b"d" * 32)
    turned = KeyFile("north-2", {**GOOD.keys, "north-2": new_key_file("north").keys["north-1"]}, GOOD.fingerprint_secret)
    keys = keys_of(tmp_path, turned)
    assert keys.unwrap("north", wrapped) == b"d" * 32
    assert keys.wrap("north", b"d" * 32).key_id == "north-2"


@malformed
def test_a_malformed_key_stops_the_start_and_names_the_file_and_no_key(tmp_path, key):
    spare = replace(GOOD, keys={**GOOD.keys, "north-0": key})  # an old one, which only opens what is old
    with pytest.raises(SettingsWrong, match=r"north\.keys\.json") as stopped:
        keys_of(tmp_path, spare)
    assert not key or key not in str(stopped.value)


@malformed
def test_a_malformed_fingerprint_secret_stops_the_start(tmp_path, key):
    with pytest.raises(SettingsWrong, match=r"north\.keys\.json.*fingerprint_secret"):
        keys_of(tmp_path, replace(GOOD, fingerprint_secret=key))


def test_a_current_key_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(SettingsWrong, match=r"north\.keys\.json.*current"):
        keys_of(tmp_path, replace(GOOD, current="north-9"))


@pytest.mark.parametrize("key_id", ["", "n" * 81])
def test_a_key_id_that_fits_no_header_stops_the_start(tmp_path, key_id):
    with pytest.raises(SettingsWrong, match=r"north\.keys\.json"):
        keys_of(tmp_path, KeyFile(key_id, {key_id: GOOD.keys["north-1"]}, GOOD.fingerprint_secret))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"current": "\xff", "keys": {}}'])
def test_a_file_that_does_not_read_stops_the_start(tmp_path, content):
    with pytest.raises(SettingsWrong, match=r"north\.keys\.json"):
        keys_of(tmp_path, content)
