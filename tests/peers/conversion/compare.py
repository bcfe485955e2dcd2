"""Compares Parquet files cell by cell with pyarrow.

python compare.py PAIRS, which is JSON: a list of [ours, theirs], each a glob. Prints JSON, for each pair
{rows, types, cells}: rows of both sides, the columns whose types differ, and, where the rows are as many, by column how
many cells differ once both sides are in the order of line_id and batch_id.
"""

import glob
import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def read(pattern):
    files = sorted(glob.glob(pattern))
    # INT96 counts nanoseconds; in 64 bits they would end in the year 2262.
    table = pa.concat_tables(pq.read_table(file, partitioning=None, coerce_int96_timestamp_unit="us") for file in files)
    stored = pq.ParquetFile(files[0]).schema
    for i, name in enumerate(table.column_names):
        # INT96 has no word for the zone; whoever writes it means UTC.
        if stored.column(i).physical_type == "INT96":
            table = table.set_column(i, name, table.column(i).cast(pa.timestamp("us", tz="UTC")))
    return table.sort_by([("line_id", "ascending"), ("batch_id", "ascending")])


def unlike(ours, theirs):
    same = pc.equal(ours, theirs).fill_null(False)  # null where one side is
    both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
    return pc.sum(pc.invert(pc.or_(same, both_null))).as_py() or 0


def compare(ours, theirs):
    ours, theirs = read(ours), read(theirs)
    types = [
        f"{a.name} {a.type}, {b.name} {b.type}"
        for a, b in zip(ours.schema, theirs.schema, strict=True)
        if (a.name, a.type) != (b.name, b.type)
    ]
    cells = {}
    if ours.num_rows == theirs.num_rows:
        for name in ours.column_names:
            theirs_typed = theirs.column(name).cast(ours.schema.field(name).type, safe=False)
            if count := unlike(ours.column(name), theirs_typed):
                cells[name] = count
    return {"rows": [ours.num_rows, theirs.num_rows], "types": types, "cells": cells}


print(json.dumps([compare(*pair) for pair in json.loads(sys.argv[1])]))
