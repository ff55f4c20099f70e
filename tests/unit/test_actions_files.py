from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ports import Port, call, complaints


def run(name: str, /, **params: Any) -> Any:
    return call(name, Port(), **params)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    assert run("file.write", path=str(file), text="é\n") == str(file)
    assert run("file.write", path=file, text="more", append=True) == str(file)
    assert run("file.read", path=str(file)) == "é\nmore"
    assert run("file.write", path=str(file), text="new") == str(file)
    assert file.read_bytes() == b"new"


def test_another_encoding_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("é".encode("latin-1"))
    assert run("file.read", path=tmp_path / "a.txt", encoding="latin-1") == "é"
    with pytest.raises(UnicodeDecodeError):
        run("file.read", path=tmp_path / "a.txt")


def test_the_home_folder_is_a_tilde_and_other_paths_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run("file.write", path="~/a.txt", text="home") == str(tmp_path / "a.txt")
    assert run("file.read", path="a.txt") == "home"
    assert run("file.write", path="b.txt", text="") == "b.txt"
    assert run("file.glob", pattern="~/*.txt") == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert run("file.glob", pattern="*.txt") == ["a.txt", "b.txt"]


def test_glob_looks_into_folders_and_sorts(tmp_path: Path) -> None:
    for name in "z.csv", "b/c.csv", "b/d/a.csv", "b/d/a.txt":
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = run("file.glob", pattern=f"{tmp_path}/**/*.csv")
    assert [Path(path).relative_to(tmp_path).as_posix() for path in found] == ["b/c.csv", "b/d/a.csv", "z.csv"]
    assert run("file.glob", pattern=f"{tmp_path}/nothing*") == []


def test_a_folder_that_is_not_there_is_a_clear_error_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere' to write 'a\.txt' into"):
        run("file.write", path=tmp_path / "nowhere" / "a.txt", text="x")
    with pytest.raises(IsADirectoryError):
        run("file.write", path=tmp_path, text="x")
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt"):
        run("file.read", path=tmp_path / "nothing.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_at_once_and_keeps_its_mode_and_its_links(tmp_path: Path) -> None:
    file, link = tmp_path / "a.txt", tmp_path / "link.txt"
    file.write_text("old", encoding="utf-8")
    file.chmod(0o640)
    link.symlink_to(file)
    with file.open(encoding="utf-8") as before:
        run("file.write", path=link, text="new")
        assert before.read() == "old"
    assert file.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "link.txt"]


def test_text_that_cannot_be_encoded_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        run("file.write", path=file, text="\ud800")
    assert file.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    run("file.write", path=pipe, text="through")
    reader.join(10)
    assert read == ["through"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("file.read", {"path": ""}, "'path' is empty"),
        ("file.read", {"path": "a", "encoding": "utf-9"}, "'encoding' is 'utf-9', and there is no such encoding"),
        ("file.write", {"path": 3, "text": ""}, "'path' must be text"),
        ("file.write", {"path": "a", "text": {"k": 1}}, "'text' must be text, and this is a mapping"),
        ("file.write", {"path": "a", "text": "", "append": "yes"}, "Write true, without quotes."),
        ("file.glob", {"pattern": ["a"]}, "'pattern' must be text"),
    ],
)
def test_what_cannot_be_right_is_found_before_and_while_it_runs(name: str, params: dict[str, Any], words: str) -> None:
    [(_, found)] = complaints(name, **params)
    assert words in found
    with pytest.raises(ValueError, match=r"must be|is empty|no such"):
        run(name, **params)
