"""Records of options become commands, and what cannot be meant is wrong usage before anything is loaded."""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer

from translate.cli.app import app, insert_run
from translate.cli.bench import BenchOptions, make_sweep
from translate.cli.options import as_command
from translate.cli.run import RunOptions, check_run, make_job


@dataclass(frozen=True, slots=True, kw_only=True)
class GreetOptions:
    """Two fields, one of them with a default."""

    name: Annotated[str, typer.Argument()]
    times: Annotated[int, typer.Option("--times", "-n", min=1)] = 1


def test_a_record_becomes_the_parameters_of_a_command() -> None:
    """In the record's order, with its defaults; what is given comes back as a record."""
    told: list[GreetOptions] = []

    def greet(options: GreetOptions) -> None:
        told.append(options)

    command = as_command(greet)
    parameters = inspect.signature(command).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == {
        "name": inspect.Parameter.empty,
        "times": 1,
    }
    small = typer.Typer()
    small.command()(command)
    small(["Anna", "-n", "3"], standalone_mode=False)
    small(["Otto"], standalone_mode=False)
    assert told == [GreetOptions(name="Anna", times=3), GreetOptions(name="Otto")]


RUN_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "penalty is no number": ({"length_penalty": float("nan")}, "--length-penalty"),
    "penalty without end": ({"length_penalty": float("inf")}, "--length-penalty"),
    "penalty below 0": ({"length_penalty": -0.5}, "--length-penalty"),
    "two sizes of a batch": ({"batch_size": 4, "batch_tokens": 512}, "--batch-size"),
    "output without a name": ({"output": ""}, "--output"),
    "memory without a name": ({"memory_dir": ""}, "--memory-dir"),
    "unknown device": ({"device": "gpu"}, "--device"),
    "device without a number": ({"device": "cuda:"}, "--device"),
    "unknown dtype": ({"dtype": "int4"}, "--dtype"),
    "unknown engine": ({"engine": "warp"}, "--engine"),
    "unknown encoding": ({"encoding": "klingon"}, "--encoding"),
    "input and files": ({"files": ["-", "a.txt"]}, "FILES"),
    "text of input": ({"files": ["-"], "text": True}, "--text"),
    "part of input": ({"files": ["-"], "shard": "1/2"}, "--shard"),
    "no such part": ({"shard": "3/2"}, "--shard"),
    "input on a cluster": ({"files": ["-"], "ray": "local"}, "--ray"),
    "cluster without memory": ({"ray": "local", "memory": False}, "--ray"),
    "workers of nothing": ({"workers": 2}, "--workers"),
    "GPUs of nothing": ({"gpus_per_worker": 0.0}, "--gpus-per-worker"),
}


@pytest.mark.parametrize(("changes", "option"), RUN_REFUSED.values(), ids=RUN_REFUSED.keys())
def test_what_a_run_cannot_be_told(changes: dict[str, Any], option: str) -> None:
    """The option is named, and nothing has been looked for or loaded yet."""
    options = dataclasses.replace(RunOptions(files=["a.txt"]), **changes)
    with pytest.raises(typer.BadParameter) as refused:
        make_job(options)
    assert refused.value.param_hint == option


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps"])
def test_devices_that_a_machine_may_have(device: str) -> None:
    """Whether this one has it is for the engine to say."""
    check_run(RunOptions(files=["a.txt"], device=device))


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"dtypes": "float32,int4"}, "--dtypes"),
        ({"device": "gpu"}, "--device"),
        ({"beams": "4,65"}, "--beams"),
        ({"batch_sizes": "1,x"}, "--batch-sizes"),
        ({"batch_tokens": "0"}, "--batch-tokens"),
        ({"threads": ""}, "--threads"),
        ({"encoding": "klingon"}, "--encoding"),
    ],
)
def test_what_a_bench_cannot_be_told(changes: dict[str, Any], option: str) -> None:
    """A list with one bad member is refused whole."""
    with pytest.raises(typer.BadParameter) as refused:
        make_sweep(dataclasses.replace(BenchOptions(files=["a.txt"]), **changes))
    assert refused.value.param_hint == option


@pytest.mark.parametrize("beams", ["0", "65", "500", "many"])
def test_beams_have_an_end(beams: str) -> None:
    """From 1 to 64."""
    with pytest.raises(typer.BadParameter) as refused:
        app(["run", "a.txt", "--beams", beams], standalone_mode=False)
    assert "'--beams'" in refused.value.format_message()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], []),
        (["-h"], ["-h"]),
        (["bench", "a.txt"], ["bench", "a.txt"]),
        (["a.txt"], ["run", "a.txt"]),
        (["--beams", "1", "a.txt"], ["run", "--beams", "1", "a.txt"]),
        (["benhc", "data"], ["benhc", "data"]),
        (["./benhc"], ["run", "./benhc"]),
        (["compare.txt"], ["run", "compare.txt"]),
        (["article"], ["run", "article"]),
        (["data", "benhc"], ["run", "data", "benhc"]),
    ],
)
def test_what_the_first_word_is(arguments: list[str], expected: list[str]) -> None:
    """A command, a file, or a word so like a command that a file was hardly meant."""
    assert insert_run(arguments) == expected


def test_a_file_that_is_there_is_one_whatever_its_name(in_folder: Any) -> None:
    """Even `benhc`."""
    (in_folder / "benhc").write_text("Ja.")
    assert insert_run(["benhc"]) == ["run", "benhc"]
