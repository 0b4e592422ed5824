import pytest

from realname.media import HEAD_BYTES, sniff_clip, sniff_image

WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x02\x80\x00\x00\x01\xe0\x08\x02\x00\x00\x00"
WEBP = b"RIFF\x24\x08\x00\x00WEBPVP8 \x18\x08\x00\x00\x30\x01\x00\x9d\x01\x2a\x01\x00"

NOT_CLIPS = {
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\n",
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
    "ffconcat": b"ffconcat version 1.0\nfile /etc/hostname\n",
    "ffmetadata": b";FFMETADATA1\ntitle=x\n",
    "avi": b"RIFF\x24\x08\x00\x00AVI LIST",
    "a jpeg": JPEG,
    "a heic still": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    "an avif still": b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avifmif1",
    "an ftyp box without a size": b"\x00\x00\x00\x00ftypisom\x00\x00\x02\x00",
    "an ftyp box as large as the file": b"\x7f\xff\xff\xffftypisom\x00\x00\x02\x00",
    "text that says ftyp": b"fileftypfileftypfileftyp",
    "an ftyp box cut off": MP4[:12],
    "ebml after a blank": b" " + WEBM,
    "nothing": b"",
}
NOT_IMAGES = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg">',
    "gif": b"GIF89a\x01\x00\x01\x00",
    "bmp": b"BM\x36\x10\x0e\x00\x00\x00\x00\x00",
    "tiff": b"II*\x00\x08\x00\x00\x00",
    "a pnm": b"P6\n640 480\n255\n",
    "a wav": b"RIFF\x24\x08\x00\x00WAVEfmt ",
    "a png whose first chunk is another": PNG[:8] + b"\x00\x00\x00\x0dIDAT",
    "a jpeg marker cut off": JPEG[:2],
    "a clip": MP4,
    "nothing": b"",
}


def test_a_webm_and_an_mp4_are_clips():
    assert sniff_clip(WEBM) == "video/webm"
    assert sniff_clip(MP4) == "video/mp4"


def test_a_jpeg_a_png_and_a_webp_are_images():
    assert sniff_image(JPEG) == "image/jpeg"
    assert sniff_image(PNG) == "image/png"
    assert sniff_image(WEBP) == "image/webp"


@pytest.mark.parametrize("head", NOT_CLIPS.values(), ids=NOT_CLIPS.keys())
def test_what_is_no_clip_is_refused(head: bytes):
    assert sniff_clip(head) is None


@pytest.mark.parametrize("head", NOT_IMAGES.values(), ids=NOT_IMAGES.keys())
def test_what_is_no_image_is_refused(head: bytes):
    assert sniff_image(head) is None


def test_the_first_bytes_decide_as_the_whole_file_does():
    for sample in (WEBM, MP4):
        assert sniff_clip((sample + bytes(100))[:HEAD_BYTES]) == sniff_clip(sample + bytes(100)) is not None
    for sample in (JPEG, PNG, WEBP):
        assert sniff_image((sample + bytes(100))[:HEAD_BYTES]) == sniff_image(sample + bytes(100)) is not None
