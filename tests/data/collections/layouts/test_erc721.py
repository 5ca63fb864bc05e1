"""Images with a JSON file each."""

import pytest

from noisette.data.collections.entries import Trait
from noisette.data.collections.metadata import LONGEST
from noisette.errors import RequestError
from tests.data.collections.folders import IMAGE, claimed, folder, images, layout, read, said, token


def test_traits_are_read_as_they_are_written(tmp_path):
    written = [
        {"trait_type": "Hat", "value": "Red"},
        {"trait_type": "Level", "value": 5, "display_type": "number"},
        {"trait_type": "Weight", "value": 1.5},
        {"trait_type": "Wings", "value": True},
        {"trait_type": "Beard", "value": None},
        {"value": "Rare"},
        "Signed",
    ]
    folder(tmp_path, {"7.png": IMAGE, "7.json": {"name": "#7", "attributes": written}})
    listing, found = read(tmp_path, "erc721")
    assert listing.entries[0].traits == (
        Trait("Hat", "Red"),
        Trait("Level", 5, "number"),
        Trait("Weight", 1.5),
        Trait("Wings", True),
        Trait("Beard", None),
        Trait("attribute", "Rare"),
        Trait("attribute", "Signed"),
    )
    assert type(listing.entries[0].traits[3].value) is bool
    assert listing.how == "PNG files with ERC-721 metadata, one JSON file each"
    assert listing.files == ["7.png", "7.json"]
    assert not found


@pytest.mark.parametrize(
    "file",
    ["{}.json", "{}", "{}.png.json", "../json/{}.json", "../metadata/{}", "../{}.JSON"],
)
def test_metadata_are_found_wherever_they_lie(tmp_path, file):
    files = {}
    for number in (7, 12):
        files[f"images/{number}.png"] = IMAGE
        files[f"images/{file.format(number)}"] = token(Level=number)
    folder(tmp_path, files)
    listing, found = read(tmp_path, "erc721")
    assert said(listing) == {"images/7.png": [("Level", 7)], "images/12.png": [("Level", 12)]}
    assert not found


def test_each_split_has_its_own_metadata(tmp_path):
    files = {}
    for split in ("train", "test"):
        files |= {f"{split}/images/1.png": IMAGE, f"{split}/json/1.json": token(Split=split)}
    listing, found = read(folder(tmp_path, files), "erc721")
    assert said(listing) == {
        "test/images/1.png": [("Split", "test")],
        "train/images/1.png": [("Split", "train")],
    }
    assert listing.splits == {"test/images/1.png": "test", "train/images/1.png": "train"}
    assert not found


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"attributes": {"Hat": "Red", "Level": 5}}, [("Hat", "Red"), ("Level", 5)]),
        ({"attributes": ["Hat", "Glasses"]}, [("attribute", "Hat"), ("attribute", "Glasses")]),
        ({"attributes": [{"Hat": "Red"}, {"Level": 5}]}, [("Hat", "Red"), ("Level", 5)]),
        ({"traits": [{"trait_type": "Hat", "value": "Red"}]}, [("Hat", "Red")]),
        ({"image": "1.png", "Hat": "Red"}, [("Hat", "Red")]),
        (["Hat", "Glasses"], [("attribute", "Hat"), ("attribute", "Glasses")]),
        ({"attributes": []}, []),
    ],
)
def test_traits_in_other_shapes(tmp_path, written, expected):
    listing, found = read(folder(tmp_path, {"1.png": IMAGE, "1.json": written}), "erc721")
    assert said(listing) == {"1.png": expected}
    assert not found


@pytest.mark.parametrize(
    "address",
    [
        "ipfs://Qm/{}",
        "https://a.example/i/{}?size=2#top",
        "images/{}",
        "..\\..\\{}",
        "../../../../etc/{}",
        "{}",
    ],
)
@pytest.mark.parametrize("name", ["a b.png", "\N{GRINNING FACE}.png", "50%25.png", "Punk #7.png", "two\nlines.png"])
def test_an_image_is_found_by_the_name_that_its_metadata_give(tmp_path, address, name):
    if "?" in address and "#" in name:
        name = name.replace("#", "")
    folder(tmp_path, {name: IMAGE, "token.json": {"image": address.format(name), **token(Hat="Red")}})
    listing, found = read(tmp_path, "erc721")
    assert said(listing) == {name: [("Hat", "Red")]}
    assert not found


def test_letters_in_an_address_may_be_written_with_percent_signs(tmp_path):
    address = "ipfs://Qm/Punk%20%237%20%C3%A9.png"
    folder(tmp_path, {"Punk #7 e\u0301.png": IMAGE, "token.json": {"image": address, **token(Hat="Red")}})
    assert said(read(tmp_path, "erc721")[0]) == {"Punk #7 e\u0301.png": [("Hat", "Red")]}


def test_an_address_leads_nowhere(tmp_path):
    folder(tmp_path, {"secret.png": IMAGE})
    inside = tmp_path / "collection"
    other = {"image": "../secret.png", **token(Hat="Blue")}
    folder(inside, {"1.png": IMAGE, "1.json": token(Hat="Red"), "extra.json": other})
    listing, found = read(inside, "erc721")
    assert said(listing) == {"1.png": [("Hat", "Red")]}
    assert found == {"no image": ["extra.json"]}


def test_three_of_many_images_lack_metadata(tmp_path):
    files = images(*(f"{number}.png" for number in range(40)))
    files |= {f"{number}.json": token(Level=number) for number in range(41) if number not in (3, 5, 8)}
    listing, found = read(folder(tmp_path, files), "erc721")
    assert [entry.name for entry in listing.entries if entry.traits is None] == ["3.png", "5.png", "8.png"]
    assert found == {"no metadata": ["3.png", "5.png", "8.png"], "no image": ["40.json"]}


def test_stray_json_is_no_metadata(tmp_path):
    files = images(*(f"{number}.png" for number in range(20)))
    for number in range(10):
        files[f"{number}.json"] = {"version": 3, "shapes": [[1, 2]]}
    assert claimed(folder(tmp_path, files)) == "images"


def test_one_token_among_many_images_is_a_stray_file(tmp_path):
    folder(tmp_path, {**images(*(f"{number}.png" for number in range(20))), "3.json": token(Hat="Red")})
    assert claimed(tmp_path) == "images"


def test_the_array_beside_fills_what_is_missing_and_tells_what_differs(tmp_path):
    array = [
        {"edition": 1, **token(Hat="Red", Eyes="Blue")},
        {"edition": 2, **token(Hat="Green")},
        {"edition": 3, **token(Hat="Grey")},
    ]
    files = {**images("1.png", "2.png", "3.png", "4.png"), "_metadata.json": array}
    files |= {"1.json": token(Eyes="Blue", Hat="Red"), "2.json": token(Hat="White")}
    listing, found = read(folder(tmp_path, files), "erc721")
    assert claimed(tmp_path) == "erc721"
    assert said(listing) == {
        "1.png": [("Eyes", "Blue"), ("Hat", "Red")],
        "2.png": [("Hat", "White")],
        "3.png": [("Hat", "Grey")],
        "4.png": None,
    }
    assert found == {"metadata twice": ["2.png (otherwise in _metadata.json)"], "no metadata": ["4.png"]}


@pytest.mark.parametrize(("one", "other"), [("{}.json", "{}"), ("{}.json", "{}.png.json"), ("a/{}.json", "b/{}.json")])
def test_of_two_files_for_one_image_the_first_counts(tmp_path, one, other):
    files = {}
    for number in range(3):
        files |= {f"{number}.png": IMAGE, one.format(number): token(Level=number)}
        files[other.format(number)] = token(Level=9 if number == 1 else number)
    assert claimed(folder(tmp_path, files)) == "erc721"
    listing, found = read(tmp_path, "erc721")
    assert said(listing) == {f"{number}.png": [("Level", number)] for number in range(3)}
    assert found == {"metadata twice": [f"1.png (otherwise in {other.format(1)})"]}


def test_files_that_may_mean_either_of_two_images_mean_none(tmp_path):
    files = {f"{place}/1.json": token(Hat=place) for place in ("x", "y")}
    files |= {**images("a/1.png", "b/1.png", "a/2.png"), "x/2.json": token(Hat="Red")}
    listing, found = read(folder(tmp_path, files), "erc721")
    assert said(listing) == {"a/1.png": None, "a/2.png": [("Hat", "Red")], "b/1.png": None}
    assert found == {
        "no metadata": [f"{place}/1.png (it is not clear which file describes it)" for place in ("a", "b")],
        "no image": ["x/1.json", "y/1.json"],
    }


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"trait_type": "Hat"}, '"Hat" has no value'),
        ({"trait_type": 5, "value": "Red"}, "a number in the place of the name of a trait"),
        ({"trait_type": "Hat", "value": ["Red"]}, '"Hat" is a list'),
        ({"trait_type": "Hat", "value": {"a": 1}}, '"Hat" is an object'),
        ({"trait_type": "Hat", "value": float("nan")}, '"Hat" is no finite number'),
        ({"trait_type": "Hat", "value": 10**400}, '"Hat" is no finite number'),
        ({"trait_type": "Hat", "value": "x" * (LONGEST + 1)}, '"Hat" has 10,001 letters, 10,000 at most'),
        ({"trait_type": "Hat", "value": "\ud800"}, '"Hat" has letters that are none'),
        (5, "a number in the place of a trait"),
    ],
)
def test_what_is_no_trait_is_left_out_and_the_rest_is_read(tmp_path, item, told):
    eyes = {"trait_type": "Eyes", "value": "Blue"}
    folder(tmp_path, {"1.png": IMAGE, "1.json": {"attributes": [item, eyes]}})
    listing, found = read(tmp_path, "erc721")
    assert said(listing) == {"1.png": [("Eyes", "Blue")]}
    assert found == {"trait": [f"1.png ({told})"]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"attributes": [', "2.json: Expecting value: line 1 column 17 (char 16)"),
        ({"attributes": "Red"}, "its attributes are a text, no list and no object"),
        ({"name": "#2"}, "they hold no attributes"),
        ("12", "they are a number, no object"),
        (["hello", 3], "they are a list with a number in it, no list of traits"),
        ([3, None], "they are a list with a number in it, no list of traits"),
        (b"\x80\x81\x00\xff", "2.json: it is no text"),
        ("[" * 100_000, "2.json: its lists and objects lie too deep inside each other"),
        (f'{{"a": {"9" * 5000}}}', None),
    ],
)
def test_metadata_that_cannot_be_read_leave_one_image_unknown(tmp_path, content, told):
    folder(tmp_path, {**images("1.png", "2.png", "3.png"), "2.json": content})
    folder(tmp_path, {"1.json": token(Hat="Red"), "3.json": token(Hat="Blue")})
    listing, found = read(tmp_path, "erc721")
    assert said(listing) == {"1.png": [("Hat", "Red")], "2.png": None, "3.png": [("Hat", "Blue")]}
    assert list(found) == ["metadata"]
    assert told is None or found["metadata"] == [f"2.png ({told})"]


def test_a_list_of_words_among_named_traits_says_nothing(tmp_path):
    """One file in a different form is a mistake, and its words are no trait that all others would have as None."""
    folder(tmp_path, images(*(f"{number}.png" for number in range(30))))
    folder(tmp_path, {f"{number}.json": token(Hat="Red" if number % 2 else "Blue") for number in range(30)})
    folder(tmp_path, {"7.json": ["hello"]})
    listing, found = read(tmp_path, "erc721")
    assert said(listing)["7.png"] is None
    assert said(listing)["8.png"] == [("Hat", "Blue")]
    assert found == {"metadata": ["7.png (7.json is a list of texts, where others name their traits)"]}


def test_a_key_that_stands_twice_counts_once(tmp_path):
    text = '{"attributes": [{"trait_type": "Hat", "value": "Red", "value": "Blue"}], "name": "a", "name": "a"}'
    listing, found = read(folder(tmp_path, {"1.png": IMAGE, "1.json": text}), "erc721")
    assert said(listing) == {"1.png": [("Hat", "Red")]}
    assert found == {"metadata twice": ['1.png ("value" stands twice in one object)']}


def test_an_encoding_that_had_to_be_guessed_is_told(tmp_path):
    files = {**images("1.png", "2.png", "3.png"), "1.json": '{"attributes": ["Béret"]}'.encode("cp1252")}
    files["2.json"] = '\ufeff{"attributes": ["Béret"]}'.encode()
    files["3.json"] = '{"attributes": ["Béret"]}'.encode("utf-16-le")
    listing, found = read(folder(tmp_path, files), "erc721")
    assert set(map(str, said(listing).values())) == {"[('attribute', 'Béret')]"}
    assert found == {"encoding": ["1.json (read as Windows-1252)", "3.json (read as UTF-16)"]}


def test_traits_may_be_named_like_paths_and_like_values_of_others(tmp_path):
    traits = {"../../etc/passwd": "/dev/null", "Hat": "Eyes", "Eyes": "Hat", "a\nb": "\N{GRINNING FACE}"}
    listing, found = read(folder(tmp_path, {"1.png": IMAGE, "1.json": token(**traits)}), "erc721")
    assert said(listing) == {"1.png": list(traits.items())}
    assert not found


def test_a_file_that_names_another_image_is_told(tmp_path):
    files = images("0.png", "1.png")
    files |= {f"{number}.json": {"image": f"{1 - number}.png", **token(Level=number)} for number in (0, 1)}
    listing, found = read(folder(tmp_path, files), "erc721")
    assert said(listing) == {"0.png": [("Level", 0)], "1.png": [("Level", 1)]}
    assert found == {"other image": ["0.png (0.json names 1.png)", "1.png (1.json names 0.png)"]}


def test_other_files_are_named(tmp_path):
    folder(
        tmp_path,
        {"1.png": IMAGE, "1.json": token(Hat="Red"), "README": "Read me.", "1.psd": b"8BPS", "LICENSE.md": "MIT"},
    )
    folder(tmp_path, {"README.png": IMAGE, "package.json": {"version": 1}})
    listing, found = read(tmp_path, "erc721")
    assert said(listing) == {"1.png": [("Hat", "Red")], "README.png": None}
    assert found == {
        "no metadata": ["README.png"],
        "not understood": ["1.psd", "LICENSE.md", "README", "package.json"],
    }


def test_the_layout_is_refused_where_there_is_nothing_of_it(tmp_path):
    from noisette.data.collections.findings import Findings
    from noisette.data.collections.settings import CollectionSettings
    from noisette.data.collections.tree import scan

    folder(tmp_path, {"1.png": IMAGE, "package.json": {"version": 1}})
    with pytest.raises(RequestError, match="no image in .* has a JSON file that can be read"):
        layout("erc721").read(scan(tmp_path, Findings()), CollectionSettings(), Findings())
