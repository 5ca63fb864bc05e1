"""Which file of a folder a text in metadata means."""

import pytest

from noisette.data.collections.matching import FileNames

FILES = FileNames(
    ["a/1.png", "b/1.png", "b/2.PNG", "c/Punk 0007.png", "c/v1.5.png", "c/e\u0301.png", "d/x.png", "e/x.png"]
)


@pytest.mark.parametrize(
    ("written", "near", "found"),
    [
        ("a/1.png", "", ["a/1.png"]),
        ("1.png", "", ["a/1.png", "b/1.png"]),
        ("1.png", "b/metadata.csv", ["b/1.png"]),
        ("ipfs://Qm/2.png", "", ["b/2.PNG"]),
        ("2", "", ["b/2.PNG"]),
        ("punk 0007", "", ["c/Punk 0007.png"]),
        ("v1.5", "", ["c/v1.5.png"]),
        ("v1", "", []),
        ("\u00e9.png", "", ["c/e\u0301.png"]),
        ("../../b/2.PNG", "", ["b/2.PNG"]),
        ("..", "", []),
        ("", "", []),
        ("a/", "", []),
        ("data:image/png;base64," + "A" * 5000, "", []),
    ],
)
def test_a_name_means_a_file(written, near, found):
    assert list(FILES.find(written, near)) == found


@pytest.mark.parametrize(
    ("written", "found"),
    [(7, ["c/Punk 0007.png"]), ("#7", ["c/Punk 0007.png"]), ("A #2", ["b/2.PNG"]), (-7, []), (10**40, [])],
)
def test_a_number_means_a_file(written, found):
    assert list(FILES.find_id(written)) == found
