import msgspec
import pytest

from realname.errors import EvidenceMissing, SettingsWrong, VaultFull
from realname.keys import FileKeys, new_key_file
from realname.sealing import seal, unseal
from realname.vault import open_vault
from tests.builders import an_id

CLIP = b"a clip of a face" * 500


@pytest.fixture
def keys(tmp_path):
    for operator in ("north", "harbor"):
        (tmp_path / f"{operator}.keys.json").write_bytes(msgspec.json.encode(new_key_file(operator)))
    return FileKeys(tmp_path)


@pytest.fixture(params=["file", "memory"])
def vault(request, keys, tmp_path):
    return open_vault("memory:" if request.param == "memory" else f"file://{tmp_path}/vault", keys)


def put(vault, registration_id, operator="north", kind="clip"):
    return vault.put(CLIP, operator=operator, registration_id=registration_id, kind=kind, media_type="video/mp4")


def test_what_is_put_comes_back_and_lies_sealed(vault):
    identity = an_id()
    blob = put(vault, identity)
    assert vault.get(blob, operator="north", registration_id=identity, kind="clip") == CLIP
    assert blob.key.startswith(f"north/{identity}/")
    assert blob.size_bytes > len(CLIP)


def test_nothing_of_the_plaintext_is_on_disk(keys, tmp_path):
    vault = open_vault(f"file://{tmp_path}/vault", keys)
    put(vault, an_id())
    stored = [path.read_bytes() for path in (tmp_path / "vault").rglob("*") if path.is_file()]
    assert stored
    assert not any(CLIP[:12] in content for content in stored)


def test_the_same_media_twice_looks_different(vault):
    identity = an_id()
    first, second = put(vault, identity), put(vault, identity)
    assert first.key != second.key
    assert first.sha256 != second.sha256


def test_a_reference_to_another_registration_does_not_open(vault):
    mine, other = an_id(), an_id()
    blob = put(vault, other)
    with pytest.raises(EvidenceMissing):
        vault.get(blob, operator="north", registration_id=mine, kind="clip")


def test_a_clip_does_not_open_as_a_portrait(vault):
    identity = an_id()
    with pytest.raises(EvidenceMissing):
        vault.get(put(vault, identity), operator="north", registration_id=identity, kind="portrait")


def test_a_flipped_bit_does_not_open(keys):
    identity = an_id()
    sealed, _ = seal(CLIP, keys=keys, operator="north", registration_id=identity, kind="clip")
    for position in (3, 20, len(sealed) // 2, len(sealed) - 1):
        broken = bytearray(sealed)
        broken[position] ^= 1
        with pytest.raises(EvidenceMissing):
            unseal(bytes(broken), keys=keys, operator="north", registration_id=identity, kind="clip")


def test_one_operators_keys_never_open_anothers_media(keys):
    identity = an_id()
    sealed, _ = seal(CLIP, keys=keys, operator="north", registration_id=identity, kind="clip")
    with pytest.raises(EvidenceMissing):
        unseal(sealed, keys=keys, operator="harbor", registration_id=identity, kind="clip")


def test_what_is_gone_is_missing_evidence(vault):
    identity = an_id()
    blob = put(vault, identity)
    vault.delete(blob.key)
    vault.delete(blob.key)  # twice is fine
    with pytest.raises(EvidenceMissing):
        vault.get(blob, operator="north", registration_id=identity, kind="clip")


def test_deleting_a_registration_takes_every_object_of_it_and_none_of_another(vault):
    identity, other = an_id(), an_id()
    keys_of_it = {put(vault, identity).key, put(vault, identity, kind="portrait").key}
    kept = put(vault, other).key
    assert set(vault.delete_registration("north", identity)) == keys_of_it
    assert [found.key for found in vault.objects()] == [kept]


def test_a_full_vault_says_so_and_stores_nothing(keys, tmp_path):
    vault = open_vault(f"file://{tmp_path}/vault", keys, free_bytes_min=1 << 60)
    with pytest.raises(VaultFull):
        put(vault, an_id())
    assert list(vault.objects()) == []


def test_an_operator_without_keys_is_named(vault):
    with pytest.raises(SettingsWrong, match="summit"):
        put(vault, an_id(), operator="summit")
