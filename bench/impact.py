"""What a change would have meant for a million tickets: mall with other fees and one other window, each attributed.

Run in a process of its own, so that its peak memory is its own: `python -m bench.impact FOLDER`.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import svc_policy
from bench.batches import GIB, ROOT, written
from bench.timing import Limit, Measurement, Settings

MALL = Path(svc_policy.__file__).parent / "packs" / "mall"
FEES = ((",70 CNY", ",75 CNY"), (",140 CNY", ",150 CNY"), (",230 CNY", ",245 CNY"), (",340 CNY", ",360 CNY"))
RATES = ((",90 CNY", ",96 CNY"), (",1.80 CNY", ",1.90 CNY"))
ROW = "middle,-,C,yes,-,(5..50] km,-,-,received,arrived,"
WINDOW = (f"{ROW}48 h", f"{ROW}36 h")


def measure(settings: Settings) -> Iterator[Measurement]:
    """Measure the impact from Parquet files to the result."""
    count = settings.tickets or (2_000 if settings.quick else 1_000_000)
    folder = written(settings, count, ("parquet",))
    command = [sys.executable, "-m", "bench.impact", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    found = json.loads(done.stdout)
    note = f"{found['alterations']} alterations, {found['changed']:,} tickets decided otherwise"
    yield Limit(15, "s").judge(f"impact of a change over {count:,} tickets", found["seconds"], note)
    yield Limit(3, "GiB").judge("  peak memory", found["peak"] / GIB)


def changed_mall(folder: Path) -> Path:
    """Copy mall with other fees and one other window."""
    pack = Path(shutil.copytree(MALL, folder / "next"))
    for name, pairs in (("fees.csv", (*FEES, *RATES)), ("deadlines.csv", (WINDOW,))):
        text = (pack / name).read_text(encoding="utf-8")
        for old, new in pairs:
            if text.count(old) != 1:
                raise ValueError(f"{old!r} is not once in {name}")
            text = text.replace(old, new)
        (pack / name).write_text(text, encoding="utf-8")
    return pack


def main() -> None:
    """Reckon one impact and print what it took."""
    from svc_policy.diff import impact_of_file

    with tempfile.TemporaryDirectory() as temporary:
        old, new = svc_policy.load("mall"), svc_policy.load(changed_mall(Path(temporary)))
        begun = time.perf_counter()
        found = impact_of_file(old, new, Path(sys.argv[1]))
        seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "changed": found.changed, "alterations": len(found.lines)}))


if __name__ == "__main__":
    main()
