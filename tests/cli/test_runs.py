"""The reading commands: what they print, for people and for programs, and how they fail."""

from __future__ import annotations

import csv
import io
import json
import subprocess

import pyarrow as pa
import pytest

from server.run_logs import write_run

from .conftest import TREERING


def test_ls_lists_all_projects_or_one(folder):
    everything = folder.json("runs", "ls")["runs"]
    one = folder.json("runs", "ls", "ada/letters")["runs"]

    assert {row["run_key"] for row in everything} == {folder.first, folder.second, folder.third}
    assert [row["run_key"] for row in one] == [folder.third]


def test_ls_filters_sorts_and_shows_columns(folder):
    rows = folder.json("runs", "ls", "digits", "--filter", "config.lr > 0.15", "--config", "lr", "--metric", "loss")[
        "runs"
    ]
    ordered = folder.json("runs", "ls", "digits", "--sort", "config.lr")["runs"]
    text = folder.run("runs", "ls", "digits", "--config", "lr", "--metric", "loss").stdout

    assert [(row["run_id"], row["config"]["lr"], row["metrics"]["loss"]["last"]) for row in rows] == [("b2", 0.2, 0.1)]
    assert [row["run_id"] for row in ordered] == ["a1", "b2"]
    assert text.splitlines()[0].split() == ["PROJECT", "ID", "NAME", "STATE", "BEGAN", "TOOK", "lr", "loss"]
    assert "name-b2" in text


def test_ls_says_what_it_leaves_out(folder):
    assert folder.json("runs", "ls", "digits", "-n", "1")["not_shown"] == 1
    assert "1 more" in folder.run("runs", "ls", "digits", "-n", "1").stdout


def test_ls_of_a_folder_without_runs(tmp_path):
    (tmp_path / "empty").mkdir()
    done = subprocess.run([*TREERING, "runs", "ls", "--data", str(tmp_path / "empty")], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "no runs\n")


@pytest.mark.parametrize("reference", ["b2", "name-b2", "digits/b2", "ada/digits/b2"])
def test_a_run_is_found_by_id_name_and_path(folder, reference):
    assert folder.json("runs", "show", reference)["run_key"] == folder.second


def test_a_run_is_found_by_key(folder):
    assert folder.json("runs", "show", folder.first)["run_key"] == folder.first


def test_show_prints_what_one_wants_to_know(folder):
    text = folder.run("runs", "show", "ada/digits/b2").stdout

    assert text.startswith("name-b2  ada/digits/b2\n")
    for part in ("state      failed", "model.depth  3", "lr           0.2", "loss", "0.1"):
        assert part in text


def test_an_ambiguous_name_is_code_4_and_lists_the_candidates(folder):
    done = folder.run("runs", "show", "a1", code=4)

    assert done.stdout == ""
    assert "ada/digits/a1" in done.stderr
    assert "ada/letters/a1" in done.stderr


@pytest.mark.parametrize("reference", ["nothing", "ada/digits/nothing", "nobody/digits/a1", "a" * 26])
def test_an_unknown_run_is_code_3(folder, reference):
    done = folder.run("runs", "show", reference, code=3)

    assert done.stderr.startswith("treering: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_an_unknown_project_and_a_wrong_filter_are_said_plainly(folder):
    assert folder.run("runs", "ls", "nothing", code=3).stderr == "treering: There is no project 'nothing' here.\n"
    assert folder.run("runs", "ls", "digits", "--filter", "state ==== 1", code=2).stderr.startswith("treering: ")


def test_errors_are_json_when_asked_for(folder):
    error = folder.json("runs", "show", "nothing", code=3)["error"]

    assert error["type"] == "RunNotFound"


def test_a_missing_folder_is_code_3(tmp_path):
    done = subprocess.run([*TREERING, "runs", "ls", "--data", str(tmp_path / "none")], capture_output=True, text=True)

    assert done.returncode == 3
    assert "no data folder" in done.stderr
    assert not (tmp_path / "none").exists()


def test_export_writes_every_row_as_json_lines(folder):
    rows = [json.loads(line) for line in folder.run("runs", "export", "b2").stdout.splitlines()]

    assert [row["_step"] for row in rows] == list(range(10))
    assert [row["epoch"] for row in rows] == [0] * 5 + [1] * 5
    assert rows[0].keys() == {"_step", "_attempt", "_writer", "_timestamp", "_runtime", "loss", "epoch"}


def test_export_to_csv_and_arrow_files(folder, tmp_path):
    folder.run("runs", "export", "b2", "-o", str(tmp_path / "out.csv"))
    said = folder.json("runs", "export", "b2", "-o", str(tmp_path / "out.arrow"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    with pa.ipc.open_stream((tmp_path / "out.arrow").read_bytes()) as reader:
        table = reader.read_all()

    assert [row["epoch"] for row in rows] == ["0"] * 5 + ["1"] * 5
    assert said["rows"] == 10
    assert table.column("loss").to_pylist() == [float(row["loss"]) for row in rows]


def test_export_takes_only_the_keys_asked_for(folder):
    rows = [json.loads(line) for line in folder.run("runs", "export", "b2", "--key", "epoch").stdout.splitlines()]

    assert all("loss" not in row and "epoch" in row for row in rows)


def test_a_csv_cell_is_never_a_formula(own_folder):
    write_run(own_folder.path, "evil", [{"note": "=1+1", "=cmd": 1.0, "+x": "@y"}, {"loss": -1.5}])
    text = own_folder.run("runs", "export", "evil", "--format", "csv").stdout
    header, first, second = csv.reader(io.StringIO(text))
    columns = dict(zip(header, first, strict=True))

    assert columns["note"] == "'=1+1"
    assert columns["'+x"] == "'@y"
    assert "'=cmd" in header
    assert "-1.5" in second


def test_names_cannot_drive_the_terminal(own_folder):
    write_run(own_folder.path, "evil", [{"loss": 1.0}], name="\x1b]0;owned\x07\x1b[31mred\u202e")
    for arguments in (["runs", "ls"], ["runs", "show", "evil"], ["runs", "show", "a1"]):
        done = own_folder.run(*arguments, code=4 if arguments[-1] == "a1" else 0)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in done.stdout + done.stderr


def test_diff_shows_what_differs(folder):
    rows = folder.json("runs", "diff", "ada/digits/a1", "b2")["rows"]
    config = {row["key"]: row["values"] for row in rows if row["section"] == "config"}

    assert config == {"lr": [0.1, 0.2]}
    assert "lr" in folder.run("runs", "diff", "ada/digits/a1", "b2").stdout
    everything = folder.json("runs", "diff", "ada/digits/a1", "b2", "--all")["rows"]
    assert "model.depth" in {row["key"] for row in everything}


def test_a_closed_pipe_is_no_error(folder):
    command = " ".join([*TREERING, "runs", "export", "b2", "--data", str(folder.path)])
    done = subprocess.run(f"{command} | head -n 1", shell=True, capture_output=True, text=True)

    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_verify_says_whole_or_where_it_is_damaged(own_folder):
    assert own_folder.json("verify", "b2")["ok"] is True
    segment = next((own_folder.path / "runs" / own_folder.second).glob("*.trl"))
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    report = own_folder.json("verify", "b2", code=5)
    done = own_folder.run("verify", "b2", code=5)

    assert report["ok"] is False
    assert report["segments"][0]["damage"]
    assert "DAMAGED" in done.stdout
    assert own_folder.json("verify", "ada/digits/a1")["ok"] is True
