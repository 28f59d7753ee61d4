"""One run over many tickets in a process of its own: the time it took and the memory it needed, as JSON.

    python -m bench.batch_job decide csv FOLDER CHUNK
    python -m bench.batch_job all csv FOLDER CHUNK
    python -m bench.batch_job copy csv FOLDER CHUNK

`decide` reads the input tables, decides every ticket under the full policy of
the mall and writes its results as Parquet; `all` writes every column, those that
lead to the results too. `copy` writes the columns that it read, and is what the
deciding is compared with.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb

from bench.generate import AT_S, GRAINS, typed_columns
from svc_policy import Policy, load
from svc_policy.batch import decided_chunks, result_names, run_laid_out
from svc_policy.facts.columns import TABLES

#: Above this size the tables lie in a file, compressed, so that memory stays within the target.
IN_MEMORY_BYTES = 1_500_000_000


def source(policy: Policy, folder: Path, form: str, grain: Any) -> str:
    """Write what reads the input of a grain, with the types of the published schema."""
    file = folder / f"{TABLES[grain]}.{form}"
    if form == "parquet":
        return f"read_parquet('{file}')"
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in typed_columns(policy, grain).items())
    return f"read_csv('{file}', header = true, auto_detect = false, delim = ',', columns = {{{types}}})"


def copy(policy: Policy, folder: Path, form: str, out: Path) -> dict[str, float]:
    """Copy the input to Parquet."""
    connection = duckdb.connect()
    begun = time.perf_counter()
    for grain in GRAINS:
        target = out / f"{TABLES[grain]}.parquet"
        connection.execute(f"COPY (SELECT * FROM {source(policy, folder, form, grain)}) TO '{target}' (FORMAT parquet)")
    return {"seconds": time.perf_counter() - begun}


def decide(
    policy: Policy, folder: Path, form: str, out: Path, chunk: int, columns: Collection[str] | None
) -> dict[str, float]:
    """Decide the input and write the columns of every grain to Parquet, a file a chunk."""
    size = sum(file.stat().st_size for file in folder.glob(f"*.{form}"))
    large = size > IN_MEMORY_BYTES
    connection = duckdb.connect(str(out / "tickets.duckdb")) if large else duckdb.connect()
    connection.execute(f"SET temp_directory = '{out}'")
    if large:
        connection.execute("SET memory_limit = '2GB'")
    begun = time.perf_counter()
    for grain in GRAINS:
        connection.execute(f"CREATE TABLE {TABLES[grain]} AS SELECT * FROM {source(policy, folder, form, grain)}")
    read = time.perf_counter()
    for offset, queries in decided_chunks(policy, connection, at_s=AT_S, chunk=chunk, columns=columns):
        for grain, query in queries.items():
            target = out / f"{grain}-{offset}.parquet"
            run_laid_out(connection, f"COPY ({query}) TO '{target}' (FORMAT parquet)")
    done = time.perf_counter()
    return {"seconds": done - begun, "reading": read - begun, "deciding": done - read}


def main() -> None:
    what, form, folder, chunk = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    policy = load("mall")
    out = folder / f"out-{what}-{form}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    if what == "copy":
        found = copy(policy, folder, form, out)
    else:
        found = decide(policy, folder, form, out, chunk, result_names(policy.plan) if what == "decide" else None)
    found["computing"] = time.process_time()
    found["peak"] = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    found["written"] = float(sum(file.stat().st_size for file in out.glob("*.parquet")))
    shutil.rmtree(out)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
