"""Reads landing's records with Spark's JSON reader by the Glue tables' columns, and writes Parquet.

python read.py TASKS, which is JSON: a list of {columns: [{Name, Type}], records, out}, the last two folders. Prints the
version of Spark. A value that is not of its column's type ends it, as nothing else tells it from a null.
"""

import json
import sys
import tempfile

from pyspark.sql import SparkSession

with tempfile.TemporaryDirectory() as scratch:
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", scratch)
        .config("spark.sql.warehouse.dir", f"{scratch}/warehouse")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .getOrCreate()
    )
    for task in json.loads(sys.argv[1]):
        schema = ", ".join(f"`{column['Name']}` {column['Type']}" for column in task["columns"])
        rows = spark.read.schema(schema).option("mode", "FAILFAST").json(task["records"])
        rows.write.parquet(task["out"])
    print(spark.version)
    spark.stop()
