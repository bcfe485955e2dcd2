"""Cleans a large file with Spark: plain PySpark, the same on AWS Glue 5.1 and on a laptop.

Reads a text of the inbox by a contract, and leaves in the lake, under names made from the batch,
  landing/<dataset>/dt=<day>/<batch>-s<number>.parquet       rows that the contract accepts, each identity once
  rejected/<dataset>/dt=<day>/<batch>-s<number>.ndjson.gz    refused rows with reason, field, text, values
  work/<dataset>/<batch>/manifest.json                       last: what became of every row, by chunk
A batch that has its manifest is done, and a second run changes nothing. A run that was killed is done again from the
start and leaves what one run would have.
"""

import argparse
import json
import os
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Any
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from lines import LONGEST_LINE, Lines, Source
from storage import Refused, Storage, plain_uri
from transform import cleaned

#: Rows of a chunk, about: what the claim goes through in a minute or two.
CHUNK_ROWS = 150_000
#: From so many rows on, those of one invoice are spread over chunks.
HEAVY_ROWS = 50_000
#: To find heavy values without counting each.
BUCKETS = 1 << 16
MOST_TEXT_BYTES = 200 * 1000**3
#: A partition reads so much, or a large file's share of MOST_PARTITIONS.
SPLIT_BYTES = 16 * 1024 * 1024
MOST_PARTITIONS = 4000
#: Names are given by so many at a time: a store's rename is a request that takes its time.
RENAMES_AT_ONCE = 16


def log(said: str) -> None:
    print(f"ecomflow spark: {said}", file=sys.stderr, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """What Glue adds of its own (--JOB_NAME and others) is passed over."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("contract", "lake", "dataset", "batch-id", "key", "version", "input", "received-at", "sent-by"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--format", required=True, choices=["csv", "ndjson"])
    parser.add_argument("--charset", default="utf-8", choices=["utf-8", "us-ascii", "iso-8859-1", "windows-1252"])
    parser.add_argument("--compression", default="none", choices=["none", "gzip", "zstd"])
    parser.add_argument("--columns", default="", help="CSV: the contract's column that each field holds")
    parser.add_argument("--header-lines", type=int, default=0)
    parser.add_argument("--max-text-bytes", type=int, default=MOST_TEXT_BYTES)
    parser.add_argument("--split-bytes", type=int, default=SPLIT_BYTES)
    parser.add_argument("--chunk-rows", type=int, default=CHUNK_ROWS)
    parser.add_argument("--heavy-rows", type=int, default=HEAVY_ROWS)
    parser.add_argument("--end-with-parent", action="store_true", help="off AWS: end when who started it ends")
    parser.add_argument("--master", help="off AWS: where Spark runs, local[*] by default")
    parser.add_argument("--memory", default="2g", help="off AWS: of the JVM")
    return parser.parse_known_args(arguments)[0]


def session(master: str | None, memory: str) -> SparkSession:
    builder = SparkSession.builder.appName("ecomflow").config("spark.ui.showConsoleProgress", "false")
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # nobody else has started Spark
        own = {
            "spark.driver.memory": memory,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
        }
        for name, value in own.items():
            builder = builder.config(name, value)
        builder = builder.master(master or "local[*]")
    settings = {
        "spark.hadoop.mapreduce.input.linerecordreader.line.maxlength": str(LONGEST_LINE),
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "false",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.compression.codec": "snappy",
        # Partitions are numbered by the file's pieces, and chunks by partitions: nothing may merge or split them.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.files.minPartitionNum": "1",
        # Above it Java interprets a method for ever; rows with this many columns get there.
        "spark.sql.codegen.hugeMethodLimit": "8000",
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        # Cleaned rows wait on disk, in blocks that are compressed anyway: packing columns as well takes half again.
        "spark.sql.inMemoryColumnarStorage.compressed": "false",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


class Batch:
    """Where a batch's objects lie. Keys are those of shared/domain/lake.ts."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        lake, day = plain_uri(options.lake).rstrip("/"), options.received_at[:10]
        self.landing = f"{lake}/landing/{options.dataset}/dt={day}"
        self.rejected = f"{lake}/rejected/{options.dataset}/dt={day}"
        self.work = f"{lake}/work/{options.dataset}/{options.batch_id}"
        self.manifest = f"{self.work}/manifest.json"
        #: Two runs of one batch, which a lost answer can start, do not write into one folder.
        self.scratch = f"{self.work}/{uuid.uuid4().hex}"

    def chunk_id(self, number: int) -> str:
        return f"{self.options.batch_id}-s{number:05d}"


def run(spark: SparkSession, options: argparse.Namespace) -> dict[str, Any]:
    """Cleans one file. What the manifest says."""
    spark = spark.newSession()  # what is set for this file is no other run's
    storage, batch = Storage(spark), Batch(options)
    if storage.exists(batch.manifest):
        log(f"batch {options.batch_id} is done already")
        _tidy(storage, batch)
        return {}
    contract = json.loads(storage.read(plain_uri(options.contract), 0, 1 << 20))
    said: dict[str, Any] = {
        "batch_id": options.batch_id,
        "dataset": options.dataset,
        "contract_version": contract["version"],
        "key": unquote(options.key),
        "version": unquote(options.version),
        "sent_by": unquote(options.sent_by),
        "received_at": options.received_at,
        "format": options.format,
        "columns": [name for name in options.columns.split(",") if name],
    }
    try:
        said |= _clean(spark, storage, batch, contract, said["columns"])
    except Refused as refused:
        log(f"refused: {refused.said['code']}")
        said["refused"] = refused.said
    chunks = {chunk["chunk_id"]: chunk for chunk in said.get("chunks", [])}
    _remove_stale(storage, batch, chunks)
    written = f"{batch.scratch}/said.json"  # no name that anybody waits for
    storage.write(written, json.dumps(said, ensure_ascii=False, indent=1) + "\n")
    storage.move(written, batch.manifest)
    _tidy(storage, batch)
    log(f"done: {said.get('received', 0)} rows, {len(chunks)} chunks")
    return said


def _tidy(storage: Storage, batch: Batch) -> None:
    """Leaves nothing of the batch in work/ but its manifest. Behind it, as the input may lie there too."""
    for name in storage.names(batch.work):
        if name != "manifest.json":
            storage.delete(f"{batch.work}/{name}")


def _clean(
    spark: SparkSession, storage: Storage, batch: Batch, contract: dict[str, Any], names: list[str]
) -> dict[str, Any]:
    options = batch.options
    uri, broken = _plain_text(storage, batch)
    split = max(options.split_bytes, ceil(storage.size(uri) / MOST_PARTITIONS))
    spark.conf.set("spark.sql.files.maxPartitionBytes", str(split))
    spark.conf.set("spark.sql.files.openCostInBytes", str(split))
    pieces = ceil(storage.size(uri) / split)
    spark.conf.set("spark.sql.shuffle.partitions", str(min(200, max(1, pieces))))
    source = Source(uri, options.format, options.charset, options.header_lines, broken is not None)
    lines = Lines(spark, storage, source)
    log(f"{lines.count} lines read")
    if lines.quotes_stay_open:
        log("there are line ends within quotes: rows are put together first, which takes a pass more")

    rows = cleaned(lines.rows(), contract, options.format, names).persist(StorageLevel.DISK_ONLY)
    try:
        return _write(spark, storage, batch, contract, lines, rows) | ({"broken": broken} if broken else {})
    finally:
        rows.unpersist()
        lines.release()


def _write(
    spark: SparkSession, storage: Storage, batch: Batch, contract: dict[str, Any], lines: Lines, rows: DataFrame
) -> dict[str, Any]:
    """Writes cleaned rows into the lake. What the manifest says of them."""
    options = batch.options
    slots = max(1, ceil(lines.rows_at_most / options.chunk_rows))
    rows, lasting = _slotted(rows, contract, slots, options.heavy_rows)
    counts = _counts(rows, slots)
    received = sum(sum(reasons.values()) for reasons in counts)
    log(f"{received} rows cleaned")
    if received == 0:
        raise Refused("empty_body", "The file has no rows.")
    if lines.rows_known and received != lines.rows_at_most:
        raise AssertionError(f"{lines.rows_at_most} rows went in, {received} came out")

    # Slots without a row have no number.
    numbers = [0] * slots
    for number, slot in enumerate((slot for slot in range(slots) if counts[slot]), start=1):
        numbers[slot] = number
    columns = [column["name"] for column in contract["columns"]]
    kept = _write_kept(spark, storage, batch, lasting, columns, slots, numbers)
    _write_rejected(storage, batch, rows, contract, lines, slots, numbers)
    chunks = []
    for slot, reasons in enumerate(counts):
        if not reasons:
            continue
        number, accepted = numbers[slot], reasons.pop("", 0)
        rejected = dict(sorted(reasons.items()))
        chunks.append(
            {
                "number": number,
                "chunk_id": batch.chunk_id(number),
                "rows": accepted + sum(rejected.values()),
                "kept": kept.get(number, 0),
                "duplicate": accepted - kept.get(number, 0),
                "rejected": rejected,
            }
        )
    return {"received": received, "chunks": chunks}


def _plain_text(storage: Storage, batch: Batch) -> tuple[str, dict[str, str] | None]:
    """The text as Spark can split it, and how its compression is broken."""
    options = batch.options
    uri = plain_uri(options.input)
    hidden = uri.rsplit("/", 1)[1][:1] in ("_", ".")  # Spark passes over such names
    if options.compression == "none" and not hidden:
        return uri, None
    text = f"{batch.scratch}/text"
    log(f"{storage.size(uri)} bytes ({options.compression}), which cannot be split: copied as plain text by one thread")
    broken = storage.copy(uri, text, options.compression, options.max_text_bytes)
    log(f"{storage.size(text)} bytes of text" + (", cut short" if broken else ""))
    return text, broken


def _slotted(rows: DataFrame, contract: dict[str, Any], slots: int, heavy_rows: int) -> tuple[DataFrame, DataFrame]:
    """Rows with the slot that each goes to, and those that may last: accepted, and no repetition of a heavy row.

    Rows of one invoice go together, unless there are too many: then by their identity. Refused rows are spread.
    """
    claim = contract.get("claim", {}).get("by", "line_id")
    accepted = rows.where("_reason is null")
    bucket = F.pmod(F.hash(claim), F.lit(BUCKETS))
    full = [
        row.bucket for row in accepted.groupBy(bucket.alias("bucket")).count().where(f"count > {heavy_rows}").collect()
    ]
    heavy: list[str] = []
    repeated = F.lit(False)
    if full:
        some = accepted.where(bucket.isin(full))
        heavy = [row[0] for row in some.groupBy(claim).count().where(f"count > {heavy_rows}").collect()]
    if heavy:
        log(f"{len(heavy)} values with more than {heavy_rows} rows are spread")
        same = (
            accepted.where(F.col(claim).isin(heavy))
            .groupBy("line_id")
            .agg(F.min("_id").alias("first"), F.count("*").alias("n"))
        )
        same = same.where(f"n > {heavy_rows}").collect()
        if same:
            repeated = F.col("line_id").isin([row.line_id for row in same]) & ~F.col("_id").isin(
                [row.first for row in same]
            )
    key = F.hash(F.when(F.col(claim).isin(heavy), F.col("line_id")).otherwise(F.col(claim))) if heavy else F.hash(claim)
    rows = rows.withColumn("_key", F.when(F.col("_reason").isNull(), key).otherwise(F.hash("_id")))
    rows = rows.withColumn("_slot", F.pmod(F.hash("_key"), F.lit(slots)))  # as repartition(slots, "_key") has it
    return rows, rows.where(F.col("_reason").isNull() & ~repeated)


def _counts(rows: DataFrame, slots: int) -> list[dict[str, int]]:
    """Rows by reason for each slot; accepted ones under the empty reason."""
    counts: list[dict[str, int]] = [{} for _ in range(slots)]
    for row in rows.groupBy("_slot", F.coalesce("_reason", F.lit("")).alias("reason")).count().collect():
        counts[row["_slot"]][row.reason] = row["count"]
    return counts


def _number(numbers: list[int]) -> Column:
    return F.element_at(F.array(*map(F.lit, numbers)), F.col("_slot") + 1).alias("_number")


def _write_kept(
    spark: SparkSession,
    storage: Storage,
    batch: Batch,
    rows: DataFrame,
    columns: list[str],
    slots: int,
    numbers: list[int],
) -> dict[int, int]:
    """Writes landing. How many rows each chunk kept: of those of one identity the first."""
    folder = f"{batch.scratch}/kept"
    first = F.row_number().over(Window.partitionBy("_key", "line_id").orderBy("_id"))
    kept = rows.repartition(slots, "_key").withColumn("_nth", first).where("_nth = 1")
    kept = kept.select(_number(numbers), "_id", *columns, "line_id", F.lit(batch.options.batch_id).alias("batch_id"))
    kept = kept.sortWithinPartitions("_number", "_id").drop("_id")
    kept.write.partitionBy("_number").parquet(folder)
    if not storage.names(folder):
        return {}
    counts = {row["_number"]: row["count"] for row in spark.read.parquet(folder).groupBy("_number").count().collect()}
    _publish(storage, batch, folder, batch.landing, ".parquet")
    log(f"{len(counts)} objects of landing written")
    return counts


def _write_rejected(
    storage: Storage,
    batch: Batch,
    rows: DataFrame,
    contract: dict[str, Any],
    lines: Lines,
    slots: int,
    numbers: list[int],
) -> None:
    """Writes refused rows as shared/domain/lake.ts does, in the file's order."""
    folder = f"{batch.scratch}/rejected"
    refused = rows.where("_reason is not null").repartition(slots, "_key").withColumn("_number", _number(numbers))
    refused = refused.sortWithinPartitions("_number", "_id")
    batch_id = F.lit(batch.options.batch_id)
    said = F.struct(
        batch_id.alias("batch_id"),
        F.format_string("%s-s%05d", batch_id, "_number").alias("chunk_id"),
        F.lit(contract["version"]).alias("contract_version"),
        lines.number(F.col("_id")).alias("line"),
        F.col("_reason").alias("reason"),
        F.col("_field").alias("field"),
        F.col("_text").alias("text"),
    )
    # An object with null for `cleaned` would be another than one without.
    cleaned = F.coalesce(F.concat(F.lit(',"cleaned":'), "_cleaned"), F.lit(""))
    text = F.concat(F.regexp_replace(F.to_json(said), r"\}\z", ""), cleaned, F.lit("}"))
    refused.select("_number", text).write.partitionBy("_number").option("compression", "gzip").text(folder)
    written = _publish(storage, batch, folder, batch.rejected, ".ndjson.gz")
    log(f"{written} objects of rejected written")


def _publish(storage: Storage, batch: Batch, folder: str, target: str, suffix: str) -> int:
    """Gives what Spark wrote its names: _number=7/part-... becomes <batch>-s00007. How many there are."""

    def move(name: str) -> None:
        (part,) = [part for part in storage.names(f"{folder}/{name}") if part.startswith("part-")]
        number = int(name.removeprefix("_number="))
        storage.move(f"{folder}/{name}/{part}", f"{target}/{batch.chunk_id(number)}{suffix}")

    names = [name for name in storage.names(folder) if name.startswith("_number=")]
    with ThreadPoolExecutor(RENAMES_AT_ONCE) as pool:
        list(pool.map(move, names))
    return len(names)


def _remove_stale(storage: Storage, batch: Batch, chunks: dict[str, dict[str, Any]]) -> None:
    """Removes what a run of this batch that was cut otherwise, or refused, left."""
    for folder, suffix, has in (
        (batch.landing, ".parquet", lambda chunk: chunk["kept"] > 0),
        (batch.rejected, ".ndjson.gz", lambda chunk: len(chunk["rejected"]) > 0),
    ):
        current = {f"{name}{suffix}" for name, chunk in chunks.items() if has(chunk)}
        for name in storage.names(folder):
            if name.startswith(f"{batch.options.batch_id}-s") and name not in current:
                storage.delete(f"{folder}/{name}")


def end_with(parent: int) -> None:
    """Ends this process, and with it Spark's, when its parent is gone: whoever starts it anew starts another."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    if options.end_with_parent:
        end_with(os.getppid())
    run(session(options.master, options.memory), options)


if __name__ == "__main__":
    main(sys.argv[1:])
