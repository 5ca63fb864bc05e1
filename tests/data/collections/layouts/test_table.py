"""Images with a CSV of a file and its names."""

import pytest

from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import scan
from noisette.errors import RequestError
from tests.data.collections.folders import claimed, folder, images, layout, read, said

NUMBERED = images("1.png", "2.png", "3.png")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("key", ["{}.png", "{}", "#{}", "images/{}.png"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_understood_however_it_is_written(tmp_path, delimiter, key, encoding):
    rows = [["name", "Hat", "Level"], *([key.format(number), f"Béret {number}", "7"] for number in (1, 2, 3))]
    table = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    folder(tmp_path, {**NUMBERED, "all.csv": table.encode(encoding)})
    assert claimed(tmp_path) == "table"
    listing, found = read(tmp_path, "table")
    assert said(listing) == {f"{number}.png": [("Hat", f"Béret {number}"), ("Level", "7")] for number in (1, 2, 3)}
    assert listing.how == "PNG files with a table of what they show"
    assert not found


def test_an_encoding_that_had_to_be_guessed_is_told(tmp_path):
    table = "file;Hat\né1.png;Béret\né2.png;Cap\n".encode("cp1252")
    listing, found = read(folder(tmp_path, {**images("é1.png", "é2.png"), "all.csv": table}), "table")
    assert said(listing) == {"é1.png": [("Hat", "Béret")], "é2.png": [("Hat", "Cap")]}
    assert found == {"encoding": ["all.csv (read as Windows-1252)"]}


@pytest.mark.parametrize("separator", ["|", ";", "/", ","])
@pytest.mark.parametrize("headed", [True, False])
def test_several_names_in_a_cell_are_several_traits(tmp_path, separator, headed):
    rows = [("1.png", "Hat{0}Black Glasses"), ("2.png", "Hat"), ("3.png", "Black Glasses {0} Hat")]
    table = "file,names\n" if headed else ""
    table += "".join(f'{file},"{names.format(separator)}"\n' for file, names in rows)
    listing, found = read(folder(tmp_path, {**NUMBERED, "all.csv": table}), "table")
    column = "names" if headed else "attribute"
    assert said(listing) == {
        "1.png": [(column, "Hat"), (column, "Black Glasses")],
        "2.png": [(column, "Hat")],
        "3.png": [(column, "Black Glasses"), (column, "Hat")],
    }
    assert not found


@pytest.mark.parametrize(
    "cells", [("3/4", "1/4", "2/4"), ("1,5", "2,5", "1,6"), ("Black, shiny", "A cap, old", "None, really")]
)
def test_a_sign_inside_a_value_does_not_separate_names(tmp_path, cells):
    table = "file,what\n" + "".join(f'{number}.png,"{cell}"\n' for number, cell in enumerate(cells, 1))
    listing, _ = read(folder(tmp_path, {**NUMBERED, "all.csv": table}), "table")
    assert said(listing) == {f"{number}.png": [("what", cell)] for number, cell in enumerate(cells, 1)}


def test_a_sign_in_few_of_many_sentences_does_not_separate_names(tmp_path):
    names = [f"{number}.png" for number in range(60)]
    sentences = [f"This is number {number}{'; it is rare' if number == 7 else ''}" for number in range(60)]
    table = "file;about\n" + "".join(f'{name};"{sentence}"\n' for name, sentence in zip(names, sentences, strict=True))
    listing, _ = read(folder(tmp_path, {**images(*names), "all.csv": table}), "table")
    assert said(listing) == {name: [("about", each)] for name, each in zip(names, sentences, strict=True)}


def test_each_of_many_sentences_with_a_sign_is_one_value(tmp_path):
    names = [f"{number}.png" for number in range(60)]
    table = "file,about\n" + "".join(f"{name},Number {name}; drawn on day {name}\n" for name in names)
    listing, _ = read(folder(tmp_path, {**images(*names), "all.csv": table}), "table")
    assert said(listing) == {name: [("about", f"Number {name}; drawn on day {name}")] for name in names}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_spreadsheet_s_ends_of_lines_and_its_word_on_the_delimiter(tmp_path, end):
    files = images(*(f"{number}.png" for number in range(40)))
    rows = ["sep=;", "file;Hat", *(f"{name};Red" for name in files)]
    assert claimed(folder(tmp_path, {**files, "all.csv": end.join(rows)})) == "table"
    listing, found = read(tmp_path, "table")
    assert said(listing) == {name: [("Hat", "Red")] for name in files}
    assert not found


def test_a_separator_may_be_given(tmp_path):
    table = "file,what\n1.png,Hat + Cap\n2.png,Wool/Silk | Cap\n3.png,\n"
    listing, _ = read(folder(tmp_path, {**NUMBERED, "all.csv": table}), "table", separator="+")
    assert said(listing) == {
        "1.png": [("what", "Hat"), ("what", "Cap")],
        "2.png": [("what", "Wool/Silk | Cap")],
        "3.png": [],
    }


def test_the_file_counts_and_not_the_number_of_the_row(tmp_path):
    table = ",file,Hat\n1,3.png,Red\n2,1.png,Blue\n3,2.png,Green\n"
    listing, found = read(folder(tmp_path, {**NUMBERED, "all.csv": table}), "table")
    assert said(listing) == {
        "1.png": [("column 1", "2"), ("Hat", "Blue")],
        "2.png": [("column 1", "3"), ("Hat", "Green")],
        "3.png": [("column 1", "1"), ("Hat", "Red")],
    }
    assert not found


def test_without_a_header_columns_have_numbers(tmp_path):
    listing, found = read(
        folder(tmp_path, {**NUMBERED, "all.csv": "9.png,Red,5\n1.png,Red,5\n2.png,Blue,6\n"}), "table"
    )
    assert said(listing) == {
        "1.png": [("column 2", "Red"), ("column 3", "5")],
        "2.png": [("column 2", "Blue"), ("column 3", "6")],
        "3.png": None,
    }
    assert found == {"no image": ['"9.png" in all.csv, line 1'], "no metadata": ["3.png"]}


def test_rows_of_different_length_are_a_file_and_its_names(tmp_path):
    listing, _ = read(folder(tmp_path, {**NUMBERED, "all.csv": "1.png,Hat,Cap\n2.png,Hat\n3.png\n"}), "table")
    assert said(listing) == {
        "1.png": [("attribute", "Hat"), ("attribute", "Cap")],
        "2.png": [("attribute", "Hat")],
        "3.png": [],
    }


def test_what_is_wrong_is_named_and_the_rest_read(tmp_path):
    table = 'file,Hat\n1.png,Red\n1.png,Blue\n1.png,Red\n2.png,Red,extra\n../../../x.png,Red\n,Red\n\n"a\nb.png",Red\n'
    listing, found = read(folder(tmp_path, {**NUMBERED, "all.csv": table, "notes.txt": "x"}), "table")
    assert said(listing) == {"1.png": [("Hat", "Red")], "2.png": [("Hat", "Red")], "3.png": None}
    assert found == {
        "metadata twice": ["1.png (otherwise in all.csv)"],
        "same twice": ["1.png (in all.csv)"],
        "trait": ["2.png (line 5 of all.csv has more cells than there are columns)"],
        "no image": [
            '"../../../x.png" in all.csv, line 6',
            '"" in all.csv, line 7',
            '"a b.png" in all.csv, line 10',
        ],
        "no metadata": ["3.png"],
        "not understood": ["notes.txt"],
    }


def test_names_with_spaces_emoji_and_newlines(tmp_path):
    names = ["a b.png", "\N{GRINNING FACE}.png", "two\nlines.png", 'say "a", b.png']
    table = "file,Hat\n" + "".join('"' + name.replace('"', '""') + '",Red\n' for name in names)
    listing, found = read(folder(tmp_path, {**images(*names), "all.csv": table}), "table")
    assert said(listing) == {name: [("Hat", "Red")] for name in sorted(names)}
    assert not found


@pytest.mark.parametrize("many", [1, 20_000])
def test_a_quotation_that_never_ends_ends_with_its_line(tmp_path, many):
    table = 'file,Hat\n1.png,Red\n2.png,"Red\n' + "3.png,Red\n" * many
    listing, found = read(folder(tmp_path, {**NUMBERED, "all.csv": table}), "table")
    assert said(listing) == {f"{number}.png": [("Hat", "Red")] for number in (1, 2, 3)}
    assert found.pop("same twice", []) == ["3.png (in all.csv)"] * min(many - 1, 1000)
    assert found == {"metadata": ["all.csv, line 3 (a quotation in it has no end, or a cell is too long)"]}


def test_each_quotation_without_an_end_ends_with_its_line(tmp_path):
    table = "file,Hat\n" + "".join(f'{number}.png,"Red\n' for number in (1, 2, 3))
    listing, found = read(folder(tmp_path, {**NUMBERED, "all.csv": table}), "table")
    assert said(listing) == {f"{number}.png": [("Hat", "Red")] for number in (1, 2, 3)}
    assert [name.partition(" (")[0] for name in found["metadata"]] == ["all.csv, line 2", "all.csv, line 3"]


def test_a_cell_that_is_too_long_costs_its_line_alone(tmp_path):
    table = f"file,Hat\n1.png,Red\n2.png,{'x' * 200_000}\n3.png,Red\n"
    listing, found = read(folder(tmp_path, {**NUMBERED, "all.csv": table}), "table")
    assert said(listing) == {"1.png": [("Hat", "Red")], "2.png": None, "3.png": [("Hat", "Red")]}
    assert [name.partition(" (")[0] for name in found["metadata"]] == ["all.csv, line 3"]
    assert found["no metadata"] == ["2.png"]


def test_several_tables_of_the_same_columns_are_one(tmp_path):
    files = images(*(f"{number}.png" for number in range(100)))
    for part in range(20):
        files[f"{part}.csv"] = "id,Level\n" + "".join(
            f"{number},{number}\n" for number in range(part * 5, part * 5 + 5)
        )
    listing, found = read(folder(tmp_path, files), "table")
    assert said(listing) == {f"{number}.png": [("Level", str(number))] for number in range(100)}
    assert not found


@pytest.mark.parametrize(
    "stray", ["rank,trait,count\n1,Hat,30\n2,Cap,10\n", "a,b\nc,d\n", "1.png\n2.png\n", "", "\0\0"]
)
def test_a_stray_table_is_no_metadata(tmp_path, stray):
    folder(tmp_path, {**images(*(f"{number}.png" for number in range(100))), "stray.csv": stray})
    assert claimed(tmp_path) == "images"


def test_the_layout_is_refused_where_there_is_nothing_of_it(tmp_path):
    folder(tmp_path, {**NUMBERED, "all.csv": "a,b\nc,d\n"})
    with pytest.raises(RequestError, match="no column of a CSV in .* names its images"):
        layout("table").read(scan(tmp_path, Findings()), CollectionSettings(), Findings())


def test_a_row_without_any_value_leaves_its_image_unknown(tmp_path):
    """An empty cell says that there is none; an empty row says nothing."""
    table = "file,Hat,Eyes\n1.png,Red,Blue\n2.png,,\n3.png,,Green\n"
    listing, found = read(folder(tmp_path, {**images("1.png", "2.png", "3.png"), "all.csv": table}), "table")
    assert said(listing) == {"1.png": [("Hat", "Red"), ("Eyes", "Blue")], "2.png": None, "3.png": [("Eyes", "Green")]}
    assert found == {"no metadata": ["2.png (its row is empty)"]}


def test_an_empty_list_says_that_there_is_nothing(tmp_path):
    table = "file,wears\n1.png,Cap|Earring\n2.png,\n3.png,Cap\n"
    listing, found = read(folder(tmp_path, {**images("1.png", "2.png", "3.png"), "all.csv": table}), "table")
    assert said(listing)["2.png"] == []
    assert found == {}
