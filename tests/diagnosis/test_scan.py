"""The fast path finds what the slow path finds, at every seam, and in constant memory."""

import io
import random
import tracemalloc
from pathlib import Path

import pytest

from tests.diagnosis import samples
from vmmaudit.diagnosis import diagnose, reading, scan
from vmmaudit.diagnosis.reading import opened, source

EVERYDAY = (
    "{:08} 31.66240692 [2432] 0980.0570::09/23-14:56:38.031#19:Task.cs(246): everyday\r\n"
    "{:08} 31.66240692 [388] 0184.0008::09/23-14:56:38.031#04:WsmanAPIWrapper.cs(1): WSMAN * [x]\n"
    "{:08} 31.66240692 [388]   at a continuation\n"
)


def lines(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)  # noqa: S311
    return [EVERYDAY.format(*(rng.randrange(10**8) for _ in range(3))) for _ in range(count)]


def found(data: bytes) -> list[tuple[int, str]]:
    return sorted((r.offset, r.text) for r in scan.failing_records(source(io.BytesIO(data), "x")))


def expected(data: bytes) -> list[tuple[int, str]]:
    return sorted((r.offset, r.text) for r in scan.all_records(source(io.BytesIO(data), "x")))


@pytest.mark.parametrize("seed", range(12))
def test_both_paths_agree_whatever_the_chunks(seed: int, monkeypatch: pytest.MonkeyPatch):
    rng = random.Random(seed)  # noqa: S311
    parts = lines(60, seed)
    blocks = [samples.T1, samples.T2, samples.BARE, samples.T1.replace("2432", "388")]
    for _ in range(6):
        parts.insert(rng.randrange(len(parts)), rng.choice(blocks))
    data = "".join(parts).encode()
    monkeypatch.setattr(reading, "_HEAD", 2048)
    monkeypatch.setattr(reading, "CHUNK", rng.choice([2048, 2500, 3333, 4096]))
    assert len(expected(data)) == len(found(data)) >= 6 - seed % 2
    assert found(data) == expected(data)


def test_a_literal_across_a_seam_is_found_once(monkeypatch: pytest.MonkeyPatch):
    data = ("".join(lines(8, 0)) + samples.T1 + "".join(lines(8, 1))).encode()
    at = data.find(b"Task failed error")
    assert at > 1500
    for size in (*range(at - 3, at + 20), data.find(b"0x80070005") + 5):
        monkeypatch.setattr(reading, "_HEAD", size)
        monkeypatch.setattr(reading, "CHUNK", size)
        assert len(found(data)) == 1, size


def test_a_line_without_end_costs_no_memory():
    data = samples.T1.encode() + b"[2432] " + b"0x80070005 " * 300_000
    assert found(data)[0][1].startswith("Task failed error")


def test_many_hits_in_one_record_are_read_once():
    tail = "00002058 31.6 [2432] again 0x80070005\n" * 20_000
    records = found((samples.T1 + tail).encode())
    assert 40 <= len(records) <= 60  # a record is cut after 400 lines, not looked at again


def test_memory_does_not_grow_with_the_file(tmp_path: Path):
    block = "".join(lines(2000, 1)) + samples.T1
    peaks = []
    for times in (20, 120):
        path = tmp_path / f"{times}.log"
        path.write_bytes(block.encode() * times)
        tracemalloc.start()
        result = diagnose([opened(str(path))])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert result.causes[0].count == times
        assert len(result.causes) == 1
    assert peaks[1] < peaks[0] * 1.2 + 500_000
    assert peaks[1] < 40 << 20


def test_the_timeline_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vmmaudit.diagnosis.diagnosis.KEPT", 10)
    result = diagnose([source(io.BytesIO((samples.T1 * 25).encode()), "x")])
    assert (len(result.timeline), result.omitted, result.causes[0].count) == (10, 15, 25)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "cp1252"])
def test_long_traces_of_every_encoding_are_scanned(tmp_path: Path, encoding: str):
    text = "".join(lines(1500, 3)) + samples.T1 + "".join(lines(1500, 4)) + samples.T2
    path = tmp_path / "long.log"
    path.write_bytes(text.encode(encoding))
    result = diagnose([opened(str(path))])
    assert result.inputs[0].form == "trace"
    assert [failure.code for failure in result.timeline] == [12700, 2927]
    assert "‘" not in result.timeline[0].vm == "Contoso-DC"


def test_a_record_that_began_long_before_is_still_one(tmp_path: Path):
    head, *rest = samples.T1.split("\n", 1)
    filler = "".join(f"00002057 31.6 [2432]   at frame {n}\n" for n in range(300))
    other = "".join(lines(300, 5)).replace("[2432] 0980", "[77] 004D")
    path = tmp_path / "long.log"
    path.write_text("".join(lines(900, 6)) + head + "\n" + filler + other + rest[0])
    (failure,) = diagnose([opened(str(path))]).timeline
    assert (failure.code, failure.hresult, failure.vm) == (12700, "0x80070005", "Contoso-DC")
